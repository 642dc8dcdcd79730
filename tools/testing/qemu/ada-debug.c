/*
 * NVIDIA Ada GPU: what a test can see and do that a driver cannot
 *
 * Counters, accounting and refusals are read, and faults set, as properties of the device by qom-get and qom-set.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/uuid.h"
#include "qemu/bswap.h"
#include "qemu/cutils.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "qobject/qjson.h"
#include "qobject/qlist.h"
#include "ada-guest.h"

#define LOG_MAX         100     /* lines for one check; the counter goes on */
#define UNMODELLED_MAX  65536   /* registers remembered */

/* ---- counters ---------------------------------------------------------------------------------------------------- */

static uint64_t bump(GHashTable *table, gpointer key)
{
    gsize n = GPOINTER_TO_SIZE(g_hash_table_lookup(table, key)) + 1;

    g_hash_table_insert(table, key, GSIZE_TO_POINTER(n));
    return n;
}

void ada_refused(AdaState *s, const char *check, const char *fmt, ...)
{
    g_autofree char *why = NULL;
    va_list ap;
    uint64_t n;

    va_start(ap, fmt);
    why = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    n = bump(s->refusals, (gpointer)g_intern_string(check));
    if (n <= LOG_MAX) {
        fprintf(stderr, "nvidia-ada: refused %s: %s%s\n", check, why, n == LOG_MAX ? " (and silent from now on)" : "");
    }
}

void ada_unmodelled(AdaFunc *f, uint32_t off, bool write, uint32_t val)
{
    AdaState *s = f->gpu;
    gsize key = (gsize)f->gfid << 40 | (gsize)write << 32 | off;

    if (g_hash_table_size(s->unmodelled) >= UNMODELLED_MAX &&
        !g_hash_table_contains(s->unmodelled, GSIZE_TO_POINTER(key))) {
        return;
    }
    if (bump(s->unmodelled, GSIZE_TO_POINTER(key)) != 1) {
        return;
    }
    if (write) {
        fprintf(stderr, "nvidia-ada: unmodelled: GFID %u writes 0x%08x to 0x%06x\n", f->gfid, val, off);
    } else {
        fprintf(stderr, "nvidia-ada: unmodelled: GFID %u reads 0x%06x\n", f->gfid, off);
    }
}

void ada_count_rpc(AdaState *s, uint32_t function, uint32_t control)
{
    bump(s->rpc_counts, GSIZE_TO_POINTER((gsize)function << 32 | control));
}

void ada_count_event(AdaState *s, uint32_t function)
{
    bump(s->event_counts, GSIZE_TO_POINTER((gsize)function));
}

void ada_count_program(AdaState *s, const char *name)
{
    bump(s->program_counts, (gpointer)name);
}

/* ---- accounting -------------------------------------------------------------------------------------------------- */

static void account_objects(AdaState *s, AdaAccount *a)
{
    GHashTableIter it;
    AdaObject *o;

    g_hash_table_iter_init(&it, s->gsp->objects);
    while (g_hash_table_iter_next(&it, NULL, (gpointer *)&o)) {
        if (o->client != ada_rm_handles(s).client) {
            a->rm_objects++;
            a->rm_clients += o->handle == o->client;
        }
    }
}

/* a guest's are among those that its vGPU has in any case */
static void account_channels(const AdaFifo *fifo, AdaAccount *a)
{
    for (guint i = 0; i < fifo->channels->len; i++) {
        const AdaChannel *c = g_ptr_array_index(fifo->channels, i);

        *(c->gfid ? &a->guest_channels : &a->channels) += 1;
    }
}

static void account_guest(const AdaVgpu *v, AdaAccount *a)
{
    GHashTableIter it;
    AdaObject *o;

    if (!v->objects) {
        return;
    }
    g_hash_table_iter_init(&it, v->objects);
    while (g_hash_table_iter_next(&it, NULL, (gpointer *)&o)) {
        a->guest_objects++;
        a->guest_clients += o->handle == o->client;
    }
}

void ada_account(AdaState *s)
{
    AdaGsp *g = s->gsp;
    AdaAccount a = {};
    uint64_t *now = (uint64_t *)&a, *peak = (uint64_t *)&g->peak;

    for (uint32_t gfid = 1; gfid <= ADA_MAX_GFID; gfid++) {
        AdaVgpu *v = &g->vgpu[gfid];

        if (v->state == ADA_VGPU_FREE) {
            continue;
        }
        a.gfids++;
        for (unsigned int i = 0; i < v->segs; i++) {
            a.segments += v->seg[i].len / s->vmmu_segment;
            a.fb_bytes += v->seg[i].len;
        }
        a.channels += v->channels;
        a.heaps += 1 + !!v->mig_heap_len;
        a.heap_bytes += v->heap_len + v->mig_heap_len;
        account_guest(v, &a);
    }
    account_channels(s->fifo, &a);
    account_objects(s, &a);
    g->now = a;
    for (size_t i = 0; i < sizeof(a) / sizeof(*now); i++) {
        peak[i] = MAX(peak[i], now[i]);
    }
}

static QDict *account_dict(const AdaAccount *a)
{
    QDict *d = qdict_new();

    qdict_put_int(d, "gfids", a->gfids);
    qdict_put_int(d, "segments", a->segments);
    qdict_put_int(d, "fb_bytes", a->fb_bytes);
    qdict_put_int(d, "channels", a->channels);
    qdict_put_int(d, "heaps", a->heaps);
    qdict_put_int(d, "heap_bytes", a->heap_bytes);
    qdict_put_int(d, "rm_clients", a->rm_clients);
    qdict_put_int(d, "rm_objects", a->rm_objects);
    qdict_put_int(d, "guest_clients", a->guest_clients);
    qdict_put_int(d, "guest_objects", a->guest_objects);
    qdict_put_int(d, "guest_channels", a->guest_channels);
    return d;
}

/* ---- faults in messages ------------------------------------------------------------------------------------------ */

#define ANY_FUNCTION    UINT32_MAX      /* but events, which come when they come */

typedef struct AdaFault {
    AdaFaultKind kind;
    uint32_t arg[2], function, control, nth;
} AdaFault;

static bool parse_number(const char *text, uint32_t *val)
{
    return !qemu_strtoui(text, NULL, 0, val);
}

/* <name>[=<number>[=<number>]] */
static bool parse_action(const char *text, AdaFault *f)
{
    static const struct { const char *name; AdaFaultKind kind; unsigned int args; } kinds[] = {
        { "drop", ADA_FAULT_DROP, 0 }, { "delay", ADA_FAULT_DELAY, 1 }, { "duplicate", ADA_FAULT_DUPLICATE, 0 },
        { "corrupt", ADA_FAULT_CORRUPT, 0 }, { "word", ADA_FAULT_WORD, 2 }, { "refuse", ADA_FAULT_REFUSE, 1 },
        { "lose", ADA_FAULT_LOSE, 0 }, { "crash", ADA_FAULT_CRASH, 0 }, { "hang", ADA_FAULT_HANG, 0 },
    };
    g_auto(GStrv) part = g_strsplit(text, "=", 0);
    unsigned int args = g_strv_length(part) - 1;

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (!strcmp(part[0], kinds[i].name) && args == kinds[i].args) {
            f->kind = kinds[i].kind;
            return (args < 1 || parse_number(part[1], &f->arg[0])) && (args < 2 || parse_number(part[2], &f->arg[1]));
        }
    }
    return false;
}

/* <action>:<function>[:<control>][:<nth>]; an empty control is any */
static bool parse_fault(const char *text, AdaFault *f)
{
    g_auto(GStrv) part = g_strsplit(text, ":", 4);
    unsigned int parts = g_strv_length(part);

    *f = (AdaFault) { .nth = 1, .function = ANY_FUNCTION };
    return parts >= 2 && *part[0] && parse_action(part[0], f) &&
           (!strcmp(part[1], "any") || parse_number(part[1], &f->function)) &&
           (parts < 3 || !*part[2] || parse_number(part[2], &f->control)) &&
           (parts < 4 || (parse_number(part[3], &f->nth) && f->nth));
}

/* of a request, before it is carried out; the others are of what GSP-RM sends */
static bool is_of_request(AdaFaultKind kind)
{
    return kind >= ADA_FAULT_REFUSE;
}

/* why there will never be a message for it, or NULL */
static const char *never_fires(const AdaFault *f)
{
    if (f->function == RPC_FN(CONTINUATION_RECORD)) {
        return "is part of a message, whose function counts";
    }
    if (f->control && f->function != RPC_FN(GSP_RM_CONTROL)) {
        return "has no controls";
    }
    if (f->function == ANY_FUNCTION) {
        return NULL;
    }
    if (f->function >= RPC_EVENT(FIRST_EVENT) && is_of_request(f->kind)) {
        return "is an event, which nobody requests";
    }
    if (ada_rpc_silent(f->function) && !is_of_request(f->kind)) {
        return "has no answer";
    }
    return NULL;
}

AdaFaultKind ada_fault_message(AdaState *s, bool request, uint32_t function, uint32_t control, uint32_t arg[2])
{
    AdaFault f;
    char *rest;

    if (!s->faults.message || !parse_fault(s->faults.message, &f) || request != is_of_request(f.kind) ||
        (f.function == ANY_FUNCTION ? function >= RPC_EVENT(FIRST_EVENT) : f.function != function) ||
        (f.control && f.control != control)) {
        return ADA_FAULT_NONE;
    }
    if (--f.nth) {      /* not this one yet: count down */
        g_auto(GStrv) part = g_strsplit(s->faults.message, ":", 3);

        rest = g_strdup_printf("%s:%s:%u:%u", part[0], part[1], f.control, f.nth);
        g_free(s->faults.message);
        s->faults.message = rest;
        return ADA_FAULT_NONE;
    }
    fprintf(stderr, "nvidia-ada: fault injected: %s, at function %u, control 0x%x\n", s->faults.message, function,
            control);
    g_clear_pointer(&s->faults.message, g_free);
    memcpy(arg, f.arg, sizeof(f.arg));
    return f.kind;
}

/* ---- faults in a plugin task's messages -------------------------------------------------------------------------- */

static const struct { const char *name; AdaFaultKind kind; bool arg; } plugin_faults[] = {
    { "lose", ADA_FAULT_LOSE, false }, { "drop", ADA_FAULT_DROP, false }, { "delay", ADA_FAULT_DELAY, true },
    { "refuse", ADA_FAULT_REFUSE, true }, { "crash", ADA_FAULT_CRASH, false },
};

AdaFaultKind ada_fault_plugin(AdaVgpu *v, uint32_t *arg)
{
    AdaFaults *faults = &v->gpu->faults;

    if (!faults->plugin_nth || faults->plugin_gfid != v->gfid || --faults->plugin_nth) {
        return ADA_FAULT_NONE;
    }
    fprintf(stderr, "nvidia-ada: fault injected: %s at a message to the plugin task of GFID %u\n",
            plugin_faults[faults->plugin].name, v->gfid);
    *arg = faults->plugin_arg;
    return plugin_faults[faults->plugin].kind;
}

/* <action>[=<number>]:<gfid>[:<nth>] */
static bool parse_fault_plugin(const char *text, AdaFaults *faults)
{
    g_auto(GStrv) part = g_strsplit(text, ":", 3);
    unsigned int parts = g_strv_length(part);
    g_auto(GStrv) action = g_strsplit(parts ? part[0] : "", "=", 2);
    uint32_t gfid, arg = 0, nth = 1;

    if (parts < 2 || !parse_number(part[1], &gfid) || !gfid || gfid > ADA_MAX_GFID ||
        (parts > 2 && (!parse_number(part[2], &nth) || !nth)) ||
        (g_strv_length(action) > 1 && !parse_number(action[1], &arg))) {
        return false;
    }
    for (uint32_t i = 0; i < ARRAY_SIZE(plugin_faults); i++) {
        if (!strcmp(action[0], plugin_faults[i].name) && !!action[1] == plugin_faults[i].arg) {
            faults->plugin = i;
            faults->plugin_arg = arg;
            faults->plugin_gfid = gfid;
            faults->plugin_nth = nth;
            return true;
        }
    }
    return false;
}

/* ---- lost interrupts --------------------------------------------------------------------------------------------- */

bool ada_fault_interrupt(AdaFunc *f)
{
    AdaFaults *faults = &f->gpu->faults;

    if (!faults->lose_nth || faults->lose_gfid != f->gfid || --faults->lose_nth) {
        return false;
    }
    fprintf(stderr, "nvidia-ada: fault injected: interrupt of GFID %u lost\n", f->gfid);
    return true;
}

/* ---- faults in a guest's calls ----------------------------------------------------------------------------------- */

static const char *const guest_faults[] = {
    [ADA_GUEST_CRASH] = "crash", [ADA_GUEST_CRASH_GSP] = "crash-gsp", [ADA_GUEST_HANG_GSP] = "hang-gsp",
    [ADA_GUEST_HOLD] = "hold", [ADA_GUEST_LOSE] = "lose", [ADA_GUEST_REFUSE] = "refuse", [ADA_GUEST_DROP] = "drop",
    [ADA_GUEST_CORRUPT] = "corrupt",
};

AdaGuestFault ada_fault_guest(AdaVgpu *v, bool doorbell)
{
    AdaFaults *faults = &v->gpu->faults;

    if (!faults->guest_nth || faults->guest_gfid != v->gfid || faults->guest_doorbell != doorbell ||
        --faults->guest_nth) {
        return ADA_GUEST_OK;
    }
    fprintf(stderr, "nvidia-ada: fault injected: %s at a %s of the guest of GFID %u, after %u calls\n",
            guest_faults[faults->guest], doorbell ? "doorbell" : "call", v->gfid, v->calls);
    return faults->guest;
}

/* <action>:<gfid>[:<nth>[:<what>]] */
static bool parse_fault_guest(const char *text, AdaFaults *faults)
{
    g_auto(GStrv) part = g_strsplit(text, ":", 4);
    unsigned int parts = g_strv_length(part);
    bool doorbell = parts > 3 && !strcmp(part[3], "doorbell");
    uint32_t gfid, nth = 1;

    if (parts < 2 || !parse_number(part[1], &gfid) || !gfid || gfid > ADA_MAX_GFID ||
        (parts > 2 && (!parse_number(part[2], &nth) || !nth)) ||
        (parts > 3 && !doorbell && strcmp(part[3], "call"))) {
        return false;
    }
    for (uint32_t i = 1; i < ARRAY_SIZE(guest_faults); i++) {
        if (!strcmp(part[0], guest_faults[i]) && !(doorbell && i >= ADA_GUEST_REFUSE)) {
            faults->guest = i;
            faults->guest_gfid = gfid;
            faults->guest_nth = nth;
            faults->guest_doorbell = doorbell;
            return true;
        }
    }
    return false;
}

/* ---- properties: read -------------------------------------------------------------------------------------------- */

static char *to_json(QObject *obj)
{
    GString *json = qobject_to_json(obj);

    qobject_unref(obj);
    return g_string_free(json, false);
}

static QDict *function_stats(AdaFunc *f)
{
    static const struct { const char *name; unsigned int bar; } bars[] = {
        { "bar0", 0 }, { "bar1", 1 }, { "bar3", 3 },
    };
    QDict *d = qdict_new();

    qdict_put_int(d, "gfid", f->gfid);
    for (size_t i = 0; i < ARRAY_SIZE(bars); i++) {
        QDict *bar = qdict_new();

        qdict_put_int(bar, "reads", f->stats.bar_reads[bars[i].bar]);
        qdict_put_int(bar, "writes", f->stats.bar_writes[bars[i].bar]);
        qdict_put(d, bars[i].name, bar);
    }
    qdict_put_int(d, "dma_read_bytes", f->stats.dma_read_bytes);
    qdict_put_int(d, "dma_write_bytes", f->stats.dma_write_bytes);
    qdict_put_int(d, "interrupts", f->stats.interrupts);
    qdict_put_int(d, "vmmu_faults", f->stats.vmmu_faults);
    return d;
}

static void put_counts(QDict *rpcs, QDict *controls, GHashTable *table)
{
    GHashTableIter it;
    gpointer key, n;

    g_hash_table_iter_init(&it, table);
    while (g_hash_table_iter_next(&it, &key, &n)) {
        uint32_t function = GPOINTER_TO_SIZE(key) >> 32, control = GPOINTER_TO_SIZE(key);
        g_autofree char *name = g_strdup_printf("%u", function);
        g_autofree char *cmd = g_strdup_printf("0x%08x", control);

        qdict_put_int(rpcs, name, qdict_get_try_int(rpcs, name, 0) + GPOINTER_TO_SIZE(n));
        if (control) {
            qdict_put_int(controls, cmd, GPOINTER_TO_SIZE(n));
        }
    }
}

static QDict *named_counts(GHashTable *table)
{
    QDict *d = qdict_new();
    GHashTableIter it;
    gpointer key, n;

    g_hash_table_iter_init(&it, table);
    while (g_hash_table_iter_next(&it, &key, &n)) {
        qdict_put_int(d, key, GPOINTER_TO_SIZE(n));
    }
    return d;
}

static QDict *engine_stats(const AdaFifo *fifo)
{
    QDict *d = qdict_new();

    qdict_put_int(d, "channels", fifo->created);
    qdict_put_int(d, "doorbells", fifo->doorbells);
    qdict_put_int(d, "methods", fifo->methods);
    qdict_put_int(d, "swallowed", fifo->swallowed);
    qdict_put_int(d, "launches", fifo->launches);
    qdict_put_int(d, "bytes_copied", fifo->bytes_copied);
    qdict_put_int(d, "bytes_filled", fifo->bytes_filled);
    qdict_put_int(d, "semaphores", fifo->semaphores);
    qdict_put_int(d, "faults", fifo->faults);
    return d;
}

static char *get_stats(Object *obj, Error **errp)
{
    AdaState *s = NVIDIA_ADA(obj);
    QDict *d = qdict_new(), *rpcs = qdict_new(), *controls = qdict_new(), *events = qdict_new();
    QList *functions = qlist_new();
    GHashTableIter it;
    gpointer key, n;

    qlist_append(functions, function_stats(&s->func));
    for (unsigned int i = 0; i < ADA_MAX_VFS; i++) {
        if (s->vf[i]) {
            qlist_append(functions, function_stats(s->vf[i]));
        }
    }
    put_counts(rpcs, controls, s->rpc_counts);
    g_hash_table_iter_init(&it, s->event_counts);
    while (g_hash_table_iter_next(&it, &key, &n)) {
        g_autofree char *name = g_strdup_printf("0x%04x", (uint32_t)GPOINTER_TO_SIZE(key));

        qdict_put_int(events, name, GPOINTER_TO_SIZE(n));
    }
    qdict_put(d, "functions", functions);
    qdict_put(d, "rpcs", rpcs);
    qdict_put(d, "controls", controls);
    qdict_put(d, "events", events);
    qdict_put(d, "programs", named_counts(s->program_counts));
    qdict_put(d, "engine", engine_stats(s->fifo));
    return to_json(QOBJECT(d));
}

static char *get_accounting(Object *obj, Error **errp)
{
    AdaState *s = NVIDIA_ADA(obj);
    QDict *d = qdict_new();

    qdict_put(d, "now", account_dict(&s->gsp->now));
    qdict_put(d, "peak", account_dict(&s->gsp->peak));
    return to_json(QOBJECT(d));
}

static char *get_refusals(Object *obj, Error **errp)
{
    return to_json(QOBJECT(named_counts(NVIDIA_ADA(obj)->refusals)));
}

static char *get_checks(Object *obj, Error **errp)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    QList *l = qlist_new();

    for (const char *const *c = __start_ada_checks; c < __stop_ada_checks; c++) {
        if (g_hash_table_add(seen, (gpointer)*c)) {
            qlist_append_str(l, *c);
        }
    }
    return to_json(QOBJECT(l));
}

static char *get_unmodelled(Object *obj, Error **errp)
{
    QList *l = qlist_new();
    GHashTableIter it;
    gpointer key, n;

    g_hash_table_iter_init(&it, NVIDIA_ADA(obj)->unmodelled);
    while (g_hash_table_iter_next(&it, &key, &n)) {
        QDict *d = qdict_new();
        gsize k = GPOINTER_TO_SIZE(key);
        g_autofree char *reg = g_strdup_printf("0x%06x", (uint32_t)k);

        qdict_put_int(d, "gfid", k >> 40);
        qdict_put_str(d, "register", reg);
        qdict_put_str(d, "access", k >> 32 & 1 ? "write" : "read");
        qdict_put_int(d, "count", GPOINTER_TO_SIZE(n));
        qlist_append(l, d);
    }
    return to_json(QOBJECT(l));
}

static QDict *vgpu_dict(AdaVgpu *v)
{
    QDict *d = qdict_new(), *guest = qdict_new();
    QList *seg = qlist_new(), *chids = qlist_new();
    g_autofree char *version = g_strdup_printf("%02x.%02x", v->guest.version >> 16, v->guest.version & 0xff);
    g_autofree char *uuid = NULL;
    QemuUUID id;

    memcpy(id.data, v->uuid, sizeof(id.data));
    uuid = qemu_uuid_unparse_strdup(&id);
    for (unsigned int i = 0; i < v->segs; i++) {
        QList *one = qlist_new();

        qlist_append_int(one, v->seg[i].gpa);
        qlist_append_int(one, v->seg[i].spa);
        qlist_append_int(one, v->seg[i].len);
        qlist_append(seg, one);
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(v->chid); i++) {
        qlist_append_int(chids, v->chid[i]);
    }
    qdict_put_int(d, "gfid", v->gfid);
    qdict_put_int(d, "type", v->type);
    qdict_put_str(d, "uuid", uuid);
    qdict_put_int(d, "dbdf", v->dbdf);
    qdict_put_str(d, "state", ada_vgpu_state_name(v->state));
    qdict_put(d, "segments", seg);
    qdict_put_int(d, "heap", v->heap);
    qdict_put_int(d, "heap_bytes", v->heap_len);
    qdict_put(d, "chids", chids);
    qdict_put_int(d, "channels", v->channels);
    qdict_put_bool(d, "bus_master", v->bus_master);
    qdict_put_bool(guest, "up", v->guest.up);
    qdict_put_int(guest, "rpcs", v->guest.count);
    qdict_put_int(guest, "last_function", v->guest.last_function);
    qdict_put_int(guest, "calls", v->calls);
    qdict_put_bool(guest, "held", v->guest.held);
    qdict_put_str(guest, "version", version);
    qdict_put_int(guest, "objects", v->objects ? g_hash_table_size(v->objects) : 0);
    qdict_put(d, "guest", guest);
    return d;
}

static char *get_vgpus(Object *obj, Error **errp)
{
    AdaState *s = NVIDIA_ADA(obj);
    QList *l = qlist_new();

    for (uint32_t gfid = 1; gfid <= ADA_MAX_GFID; gfid++) {
        if (s->gsp->vgpu[gfid].state != ADA_VGPU_FREE) {
            qlist_append(l, vgpu_dict(&s->gsp->vgpu[gfid]));
        }
    }
    return to_json(QOBJECT(l));
}

static char *get_channels(Object *obj, Error **errp)
{
    AdaState *s = NVIDIA_ADA(obj);
    AdaFifo *fifo = s->fifo;
    QList *l = qlist_new();

    for (guint i = 0; i < fifo->channels->len; i++) {
        const AdaChannel *c = g_ptr_array_index(fifo->channels, i);
        const AdaObject *space = ada_chan_space(c);
        QDict *d = qdict_new();

        qdict_put_int(d, "gfid", c->gfid);
        qdict_put_int(d, "runlist", c->engine->runlist);
        qdict_put_int(d, "chid", c->chid);
        qdict_put_str(d, "state", ada_chan_state(c));
        qdict_put_int(d, "get", c->get);
        qdict_put_int(d, "page_directory", space ? space->page_directory : 0);
        qlist_append(l, d);
    }
    return to_json(QOBJECT(l));
}

/* before realize there is nothing to tell */
static char *read_property(Object *obj, Error **errp, char *(*get)(Object *, Error **))
{
    if (!NVIDIA_ADA(obj)->gsp) {
        return g_strdup("{}");
    }
    return get(obj, errp);
}

#define READ_PROPERTY(name) \
    static char *prop_##name(Object *obj, Error **errp) { return read_property(obj, errp, get_##name); }
READ_PROPERTY(stats)
READ_PROPERTY(accounting)
READ_PROPERTY(refusals)
READ_PROPERTY(checks)
READ_PROPERTY(unmodelled)
READ_PROPERTY(vgpus)
READ_PROPERTY(channels)

/* ---- properties: faults ------------------------------------------------------------------------------------------ */

static void visit_u32(Object *obj, Visitor *v, const char *name, void *opaque, Error **errp)
{
    visit_type_uint32(v, name, (uint32_t *)((char *)obj + (uintptr_t)opaque), errp);
}

static void visit_bool(Object *obj, Visitor *v, const char *name, void *opaque, Error **errp)
{
    visit_type_bool(v, name, (bool *)((char *)obj + (uintptr_t)opaque), errp);
}

static ObjectProperty *add_u32(ObjectClass *oc, const char *name, size_t offset)
{
    return object_class_property_add(oc, name, "uint32", visit_u32, visit_u32, NULL, (void *)offset);
}

static ObjectProperty *add_bool(ObjectClass *oc, const char *name, size_t offset)
{
    return object_class_property_add(oc, name, "bool", visit_bool, visit_bool, NULL, (void *)offset);
}

static const char *const gsp_faults[] = {
    [ADA_GSP_OK] = "none", [ADA_GSP_SILENT] = "silent", [ADA_GSP_DIES] = "dies",
};

static char *get_fault_gsp(Object *obj, Error **errp)
{
    return g_strdup(gsp_faults[NVIDIA_ADA(obj)->faults.gsp]);
}

static void set_fault_gsp(Object *obj, const char *value, Error **errp)
{
    for (uint32_t i = 0; i < ARRAY_SIZE(gsp_faults); i++) {
        if (!strcmp(value, gsp_faults[i])) {
            NVIDIA_ADA(obj)->faults.gsp = i;
            return;
        }
    }
    error_setg(errp, "fault-gsp is one of none, silent, dies");
}

static char *get_fault_message(Object *obj, Error **errp)
{
    return g_strdup(NVIDIA_ADA(obj)->faults.message ?: "");
}

static void set_fault_message(Object *obj, const char *value, Error **errp)
{
    AdaState *s = NVIDIA_ADA(obj);
    AdaFault f;

    if (*value && !parse_fault(value, &f)) {
        error_setg(errp, "fault-message is <drop|delay=ms|duplicate|corrupt|word=offset=value|refuse=status|lose|crash|"
                   "hang>:<function|any>[:<control>][:<nth>]");
        return;
    }
    if (*value && never_fires(&f)) {
        error_setg(errp, "fault-message %s would never fire: function %u %s", value, f.function, never_fires(&f));
        return;
    }
    g_free(s->faults.message);
    s->faults.message = *value ? g_strdup(value) : NULL;
}

static char *get_lose_interrupt(Object *obj, Error **errp)
{
    AdaFaults *faults = &NVIDIA_ADA(obj)->faults;

    return faults->lose_nth ? g_strdup_printf("%u:%u", faults->lose_gfid, faults->lose_nth) : g_strdup("");
}

static void set_lose_interrupt(Object *obj, const char *value, Error **errp)
{
    AdaFaults *faults = &NVIDIA_ADA(obj)->faults;
    g_auto(GStrv) part = g_strsplit(value, ":", 2);
    unsigned int parts = g_strv_length(part);
    uint32_t gfid = 0, nth = parts ? 1 : 0;

    if ((parts && (!parse_number(part[0], &gfid) || gfid > ADA_MAX_GFID)) ||
        (parts > 1 && (!parse_number(part[1], &nth) || !nth))) {
        error_setg(errp, "lose-interrupt is <gfid>[:<nth>], GFID 0 (the PF) to %u, nth from 1, or empty", ADA_MAX_GFID);
        return;
    }
    faults->lose_gfid = gfid;
    faults->lose_nth = nth;
}

uint32_t ada_fault_register(AdaState *s, uint32_t off, uint32_t val)
{
    AdaFaults *faults = &s->faults;

    for (size_t i = 0; i < ARRAY_SIZE(faults->reg); i++) {
        AdaRegisterFault *fault = &faults->reg[i];

        if (!fault->nth || off != fault->offset) {
            continue;
        }
        if (fault->nth > 1) {
            fault->nth--;
            return val;
        }
        return fault->value;
    }
    return val;
}

static char *get_fault_register(Object *obj, Error **errp)
{
    const AdaFaults *faults = &NVIDIA_ADA(obj)->faults;
    GString *text = g_string_new("");

    for (size_t i = 0; i < ARRAY_SIZE(faults->reg) && faults->reg[i].nth; i++) {
        g_string_append_printf(text, "%s0x%x:0x%x:%u", i ? "," : "", faults->reg[i].offset, faults->reg[i].value,
                               faults->reg[i].nth);
    }
    return g_string_free(text, false);
}

static bool parse_register_fault(const char *text, AdaRegisterFault *fault)
{
    g_auto(GStrv) part = g_strsplit(text, ":", 3);
    unsigned int parts = g_strv_length(part);

    fault->nth = 1;
    return parts > 1 && parse_number(part[0], &fault->offset) && ada_is_register(fault->offset) &&
           parse_number(part[1], &fault->value) && (parts < 3 || (parse_number(part[2], &fault->nth) && fault->nth));
}

static void set_fault_register(Object *obj, const char *value, Error **errp)
{
    AdaFaults *faults = &NVIDIA_ADA(obj)->faults;
    g_auto(GStrv) part = g_strsplit(value, ",", 0);
    AdaRegisterFault reg[ARRAY_SIZE(faults->reg)] = {};

    for (unsigned int i = 0; part[i]; i++) {
        if (i == ARRAY_SIZE(reg) || !parse_register_fault(part[i], &reg[i])) {
            error_setg(errp, "fault-register is up to %zu of <offset of a register in BAR0>:<value>[:<nth>], with "
                       "commas between them, nth from 1, or empty", ARRAY_SIZE(reg));
            return;
        }
    }
    memcpy(faults->reg, reg, sizeof(reg));
}

static const char *const engine_faults[] = {
    [ADA_ENGINE_OK] = "none", [ADA_ENGINE_HANG] = "hang", [ADA_ENGINE_ERROR] = "error",
};

static char *get_fault_engine(Object *obj, Error **errp)
{
    AdaFaults *faults = &NVIDIA_ADA(obj)->faults;

    return faults->engine_nth ? g_strdup_printf("%s:%u", engine_faults[faults->engine], faults->engine_nth)
                              : g_strdup(engine_faults[faults->engine]);
}

static void set_fault_engine(Object *obj, const char *value, Error **errp)
{
    AdaState *s = NVIDIA_ADA(obj);
    g_auto(GStrv) part = g_strsplit(value, ":", 2);
    unsigned int parts = g_strv_length(part);
    uint32_t nth = 1;

    if (parts && (parts == 1 || (parse_number(part[1], &nth) && nth))) {
        for (uint32_t i = 0; i < ARRAY_SIZE(engine_faults); i++) {
            if (!strcmp(part[0], engine_faults[i]) && (i || parts == 1)) {
                s->faults.engine = i;
                s->faults.engine_nth = i ? nth : 0;
                s->faults.engine_hung = false;  /* it goes on */
                return;
            }
        }
    }
    error_setg(errp, "fault-engine is none, hang[:<nth>] or error[:<nth>], nth from 1");
}

static char *get_fault_plugin(Object *obj, Error **errp)
{
    AdaFaults *faults = &NVIDIA_ADA(obj)->faults;
    g_autofree char *arg = NULL;

    if (!faults->plugin_nth) {
        return g_strdup("");
    }
    arg = plugin_faults[faults->plugin].arg ? g_strdup_printf("=%u", faults->plugin_arg) : g_strdup("");
    return g_strdup_printf("%s%s:%u:%u", plugin_faults[faults->plugin].name, arg, faults->plugin_gfid,
                           faults->plugin_nth);
}

static void set_fault_plugin(Object *obj, const char *value, Error **errp)
{
    AdaFaults *faults = &NVIDIA_ADA(obj)->faults;

    if (!*value) {
        faults->plugin_nth = 0;
    } else if (!parse_fault_plugin(value, faults)) {
        error_setg(errp, "fault-plugin is <lose|drop|crash|delay=<ms>|refuse=<result>>:<gfid>[:<nth>], GFID 1 to %u, "
                   "nth from 1, or empty", ADA_MAX_GFID);
    }
}

static char *get_fault_guest(Object *obj, Error **errp)
{
    AdaFaults *faults = &NVIDIA_ADA(obj)->faults;

    if (!faults->guest_nth) {
        return g_strdup("");
    }
    return g_strdup_printf("%s:%u:%u:%s", guest_faults[faults->guest], faults->guest_gfid, faults->guest_nth,
                           faults->guest_doorbell ? "doorbell" : "call");
}

/* whatever is set, what is held goes on */
static void set_fault_guest(Object *obj, const char *value, Error **errp)
{
    AdaState *s = NVIDIA_ADA(obj);

    if (!*value) {
        s->faults.guest_nth = 0;
    } else if (!parse_fault_guest(value, &s->faults)) {
        error_setg(errp, "fault-guest is <crash|crash-gsp|hang-gsp|hold|lose>:<gfid>[:<nth>[:<call|doorbell>]] or "
                   "<refuse|drop|corrupt>:<gfid>[:<nth>[:call]], GFID 1 to %u, nth from 1, or empty", ADA_MAX_GFID);
        return;
    }
    if (!s->gsp) {      /* the device is not made yet */
        return;
    }
    for (uint32_t gfid = 1; gfid <= ADA_MAX_GFID; gfid++) {
        s->gsp->vgpu[gfid].guest.held = false;
    }
    qemu_bh_schedule(s->gsp->work);
    qemu_bh_schedule(s->fifo->work);
}

static bool get_surprise_removal(Object *obj, Error **errp)
{
    return NVIDIA_ADA(obj)->faults.off_bus;
}

static void set_surprise_removal(Object *obj, bool value, Error **errp)
{
    AdaState *s = NVIDIA_ADA(obj);

    s->faults.off_bus = value;
    if (s->gsp) {       /* else it is made so */
        ada_off_bus(s);
        qemu_bh_schedule(s->gsp->work);     /* back, they go on with what they had to do */
        qemu_bh_schedule(s->fifo->work);
    }
}

static bool need_gsp(AdaState *s, const char *name, Error **errp)
{
    if (s->gsp && ada_gsp_running(s)) {
        return true;
    }
    error_setg(errp, "%s is for a GSP-RM that is running", name);
    return false;
}

static void inject_lockdown(AdaState *s, const char *arg, Error **errp)
{
    if (strcmp(arg, "on") && strcmp(arg, "off")) {
        error_setg(errp, "inject-event lockdown is on or off, not %s", arg);
        return;
    }
    ada_gsp_lockdown(s, !strcmp(arg, "on"));
}

static void inject_os_error(AdaState *s, const char *arg, Error **errp)
{
    AdaFwVersion fw = s->gsp->fw;
    g_auto(GStrv) part = g_strsplit(arg, ":", 2);
    uint8_t p[MAX_CONST(r535_rpc_os_error_log_v17_00__SIZE, r570_rpc_os_error_log_v17_00__SIZE)] = {};
    uint32_t xid;

    if (g_strv_length(part) != 2 || !parse_number(part[0], &xid)) {
        error_setg(errp, "inject-event is os-error-log:<xid>:<text>");
        return;
    }
    stl_le_p(p + ADA_OFF(fw, rpc_os_error_log_v17_00, exceptType), xid);
    stl_le_p(p + ADA_OFF(fw, rpc_os_error_log_v17_00, chid), UINT32_MAX);
    g_strlcpy((char *)p + ADA_OFF(fw, rpc_os_error_log_v17_00, errString), part[1],
              ADA_OFF(fw, rpc_os_error_log_v17_00, errString_SZ));
    ada_gsp_event(s, RPC_EVENT(OS_ERROR_LOG), p, ADA_SIZE(fw, rpc_os_error_log_v17_00));
}

/* The vGPU whose GFID is told first, if its guest's driver has set its buffers up */
static AdaVgpu *guest_of(AdaState *s, char **part, Error **errp)
{
    uint32_t gfid = 0;

    if (!part[0] || !parse_number(part[0], &gfid) || !gfid || gfid > ADA_MAX_GFID || !s->gsp->vgpu[gfid].guest.up) {
        error_setg(errp, "inject-event: GFID %s has no guest that is there", part[0] ?: "");
        return NULL;
    }
    return &s->gsp->vgpu[gfid];
}

/* what it is about is in the page that both see */
static void inject_guest_ecc(AdaState *s, const char *arg, Error **errp)
{
    g_auto(GStrv) part = g_strsplit(arg, ":", 4);
    AdaGuestEvent e = { .plugin = true, .type = ADA_GUEST_EVENT_ECC };
    AdaVgpu *v = guest_of(s, part, errp);
    uint32_t unit, count;
    bool dbe;

    if (!v) {
        return;
    }
    if (g_strv_length(part) != 4 || !parse_number(part[2], &unit) || !parse_number(part[3], &count) ||
        (strcmp(part[1], "dbe") && strcmp(part[1], "sbe"))) {
        error_setg(errp, "inject-event is guest-ecc:<gfid>:<sbe|dbe>:<unit>:<count>");
        return;
    }
    dbe = !strcmp(part[1], "dbe");
    ada_guest_shared(v, ADA_SHARED_ECC_TYPE, dbe ? r570_NV2080_NOTIFIERS_ECC_DBE : r570_NV2080_NOTIFIERS_ECC_SBE);
    ada_guest_shared(v, ADA_SHARED_ECC_UNIT, unit);
    ada_guest_shared(v, ADA_SHARED_ECC_COUNT, count);
    ada_guest_event(v, &e);
}

/* each object of the guest's that waits for it */
static void inject_guest_notify(AdaState *s, const char *arg, Error **errp)
{
    g_auto(GStrv) part = g_strsplit(arg, ":", 2);
    AdaVgpu *v = guest_of(s, part, errp);
    GHashTableIter it;
    uint32_t index;
    AdaObject *o;

    if (!v) {
        return;
    }
    if (g_strv_length(part) != 2 || !parse_number(part[1], &index)) {
        error_setg(errp, "inject-event is guest-notify:<gfid>:<index>");
        return;
    }
    if (!v->objects) {
        return;
    }
    g_hash_table_iter_init(&it, v->objects);
    while (g_hash_table_iter_next(&it, NULL, (gpointer *)&o)) {
        AdaGuestEvent e = { .client = o->event_client, .object = o->event_object, .index = index };

        if (o->event_object && o->event_index == index) {
            ada_guest_event(v, &e);
        }
    }
}

/* The vGPU whose GFID is told first, if it runs */
static AdaVgpu *running(AdaState *s, char **part, Error **errp)
{
    uint32_t gfid = 0;

    if (!part[0] || !parse_number(part[0], &gfid) || !gfid || gfid > ADA_MAX_GFID ||
        s->gsp->vgpu[gfid].state != ADA_VGPU_RUNNING) {
        error_setg(errp, "inject-event: GFID %s has no vGPU that runs", part[0] ?: "");
        return NULL;
    }
    return &s->gsp->vgpu[gfid];
}

static void inject_license(AdaState *s, const char *arg, Error **errp)
{
    g_auto(GStrv) part = g_strsplit(arg, ":", 2);
    AdaVgpu *v = running(s, part, errp);
    uint32_t state;

    if (!v) {
        return;
    }
    if (g_strv_length(part) != 2 || !parse_number(part[1], &state)) {
        error_setg(errp, "inject-event is license:<gfid>:<state>");
        return;
    }
    ada_monitor_license(v, state);
}

/* what is told of it from now on */
static void inject_use(AdaState *s, const char *arg, Error **errp)
{
    g_auto(GStrv) part = g_strsplit(arg, ":", 3 + ADA_UTIL_ENGINES);
    AdaVgpu *v = running(s, part, errp);
    uint32_t mib, util[ADA_UTIL_ENGINES];
    bool ok = g_strv_length(part) == 2 + ADA_UTIL_ENGINES && parse_number(part[1], &mib);

    if (!v) {
        return;
    }
    for (size_t i = 0; ok && i < ADA_UTIL_ENGINES; i++) {
        ok = parse_number(part[2 + i], &util[i]);
    }
    if (!ok) {
        error_setg(errp, "inject-event is use:<gfid>:<MiB>:<memory>:<graphics>:<encoder>:<decoder>");
        return;
    }
    v->info.fb_used = (uint64_t)mib * MiB;
    memcpy(v->info.util, util, sizeof(util));
}

/* as if its engine had told of an error, or the MMU of a fault */
static void inject_channel_error(AdaState *s, const char *arg, Error **errp)
{
    g_auto(GStrv) part = g_strsplit(arg, ":", 4);
    uint32_t gfid, runlist, chid, xid;

    if (g_strv_length(part) != 4 || !parse_number(part[0], &gfid) || !parse_number(part[1], &runlist) ||
        !parse_number(part[2], &chid) || !parse_number(part[3], &xid)) {
        error_setg(errp, "inject-event is channel-error:<gfid>:<runlist>:<chid>:<xid>");
        return;
    }
    if (!ada_chan_inject(s, gfid, runlist, chid, xid)) {
        error_setg(errp, "inject-event: GFID %u has no channel %u on runlist %u that is not stopped", gfid, chid,
                   runlist);
    }
}

#define MESSAGE_MAX     (128 * KiB)
#define TIMES_MAX       1000000

/* bytes of a hexadecimal number of any length */
static bool parse_bytes(const char *text, GByteArray *bytes)
{
    if (strlen(text) % 2) {
        return false;
    }
    for (; *text; text += 2) {
        int high = g_ascii_xdigit_value(text[0]), low = g_ascii_xdigit_value(text[1]);
        uint8_t byte = high << 4 | low;

        if (high < 0 || low < 0) {
            return false;
        }
        g_byte_array_append(bytes, &byte, 1);
    }
    return true;
}

/* that nobody has asked for, an event or an answer, and that may make no sense */
static void inject_message(AdaState *s, const char *arg, Error **errp)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();
    g_auto(GStrv) part = g_strsplit(arg, ":", 3);
    unsigned int parts = g_strv_length(part);
    uint32_t function, times = 1;

    if (!parts || !parse_number(part[0], &function) || (parts > 1 && !parse_bytes(part[1], payload)) ||
        payload->len > MESSAGE_MAX || (parts > 2 && (!parse_number(part[2], &times) || !times || times > TIMES_MAX))) {
        error_setg(errp, "inject-event is message:<function>[:<payload>[:<times>]], payload of up to %u bytes in "
                   "hexadecimal, up to %u times", MESSAGE_MAX, TIMES_MAX);
        return;
    }
    while (times--) {
        ada_gsp_event(s, function, payload->data, payload->len);
    }
}

static void set_inject_event(Object *obj, const char *value, Error **errp)
{
    static const struct { const char *name; void (*inject)(AdaState *s, const char *arg, Error **errp); } events[] = {
        { "os-error-log:", inject_os_error }, { "guest-ecc:", inject_guest_ecc },
        { "guest-notify:", inject_guest_notify }, { "lockdown:", inject_lockdown },
        { "channel-error:", inject_channel_error }, { "license:", inject_license }, { "use:", inject_use },
        { "message:", inject_message },
    };
    AdaState *s = NVIDIA_ADA(obj);

    if (!need_gsp(s, "inject-event", errp)) {
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
        if (g_str_has_prefix(value, events[i].name)) {
            events[i].inject(s, value + strlen(events[i].name), errp);
            return;
        }
    }
    error_setg(errp, "inject-event is os-error-log:<xid>:<text>, lockdown:<on|off>, "
               "channel-error:<gfid>:<runlist>:<chid>:<xid>, license:<gfid>:<state>, "
               "use:<gfid>:<MiB>:<memory>:<graphics>:<encoder>:<decoder>, "
               "guest-ecc:<gfid>:<sbe|dbe>:<unit>:<count>, guest-notify:<gfid>:<index> or "
               "message:<function>[:<payload>[:<times>]]");
}

/* all that is counted begins at nothing again; what is in use is not counted */
static void set_count_anew(Object *obj, bool value, Error **errp)
{
    AdaState *s = NVIDIA_ADA(obj);
    PCIESriovPF *sriov = &s->parent_obj.exp.sriov_pf;
    AdaFifo *fifo = s->fifo;

    if (!value) {
        return;
    }
    g_hash_table_remove_all(s->refusals);
    g_hash_table_remove_all(s->rpc_counts);
    g_hash_table_remove_all(s->event_counts);
    g_hash_table_remove_all(s->program_counts);
    g_hash_table_remove_all(s->unmodelled);
    s->func.stats = (AdaStats) { 0 };
    for (unsigned int i = 0; i < ADA_MAX_VFS && sriov->vf; i++) {
        NVIDIA_ADA_VF(sriov->vf[i])->func.stats = (AdaStats) { 0 };
    }
    fifo->created = fifo->doorbells = fifo->methods = fifo->swallowed = fifo->launches = 0;
    fifo->bytes_copied = fifo->bytes_filled = fifo->semaphores = fifo->faults = 0;
    s->gsp->peak = s->gsp->now;
}

static void set_crash_gsp(Object *obj, bool value, Error **errp)
{
    AdaState *s = NVIDIA_ADA(obj);

    if (value && need_gsp(s, "crash-gsp", errp)) {
        ada_gsp_die(s);
    }
}

static void set_hang_gsp(Object *obj, bool value, Error **errp)
{
    AdaState *s = NVIDIA_ADA(obj);

    if (value && need_gsp(s, "hang-gsp", errp)) {
        s->gsp->state = ADA_GSP_DEAD;       /* its core stays active */
    }
}

static void set_crash_plugin(Object *obj, Visitor *v, const char *name, void *opaque, Error **errp)
{
    AdaState *s = NVIDIA_ADA(obj);
    uint32_t gfid;

    if (visit_type_uint32(v, name, &gfid, errp) && need_gsp(s, name, errp) && !ada_vgpu_crash(s, gfid)) {
        error_setg(errp, "crash-plugin is the GFID of a vGPU whose plugin task runs, %u has none", gfid);
    }
}

static char *get_sequencer(Object *obj, Error **errp)
{
    return g_strdup(ada_seq_name(NVIDIA_ADA(obj)->sequencer));
}

static void set_sequencer(Object *obj, const char *value, Error **errp)
{
    ada_seq_parse(value, &NVIDIA_ADA(obj)->sequencer, errp);
}

static char *get_vbios(Object *obj, Error **errp)
{
    return g_strdup(NVIDIA_ADA(obj)->vbios_name ?: "");
}

static int get_ecc(Object *obj, Error **errp)
{
    return NVIDIA_ADA(obj)->next_power_on.ecc;
}

static void set_ecc(Object *obj, int value, Error **errp)
{
    NVIDIA_ADA(obj)->next_power_on.ecc = value;
}

static const char *const timing_names[] = { "quick", "real" };
static const QEnumLookup timing_lookup = { .array = timing_names, .size = ARRAY_SIZE(timing_names) };

static int get_timing(Object *obj, Error **errp)
{
    return NVIDIA_ADA(obj)->timing_real;
}

static void set_timing(Object *obj, int value, Error **errp)
{
    NVIDIA_ADA(obj)->timing_real = value;
}

static const char *const numbers_names[] = { [ADA_NUMBERS_SEEN] = "seen", [ADA_NUMBERS_OTHER] = "other" };
static const QEnumLookup numbers_lookup = { .array = numbers_names, .size = ARRAY_SIZE(numbers_names) };

static int get_numbers(Object *obj, Error **errp)
{
    return NVIDIA_ADA(obj)->numbers;
}

static void set_numbers(Object *obj, int value, Error **errp)
{
    AdaState *s = NVIDIA_ADA(obj);

    if (s->gsp && ada_gsp_running(s)) {
        error_setg(errp, "numbers cannot change while GSP-RM runs");
        return;
    }
    s->numbers = value;
}

static const char *const fb_regions_names[] = {
    [ADA_FB_SEEN] = "seen", [ADA_FB_PLAIN] = "plain", [ADA_FB_SPLIT] = "split",
};
static const QEnumLookup fb_regions_lookup = { .array = fb_regions_names, .size = ARRAY_SIZE(fb_regions_names) };

static int get_fb_regions(Object *obj, Error **errp)
{
    return NVIDIA_ADA(obj)->fb_regions;
}

static void set_fb_regions(Object *obj, int value, Error **errp)
{
    NVIDIA_ADA(obj)->fb_regions = value;
}

/* The file is read now: what is wrong with it is told to the one who names it */
static void set_vbios(Object *obj, const char *value, Error **errp)
{
    AdaState *s = NVIDIA_ADA(obj);
    GBytes *file = NULL;

    if (*value) {
        file = ada_flash_load(value, errp);
        if (!file) {
            return;
        }
    }
    g_clear_pointer(&s->vbios_file, g_bytes_unref);
    g_free(s->vbios_name);
    s->vbios_file = file;
    s->vbios_name = file ? g_strdup(value) : NULL;
}

/* ---- start and end ----------------------------------------------------------------------------------------------- */

void ada_debug_class_init(ObjectClass *oc)
{
    object_class_property_add_str(oc, "stats", prop_stats, NULL);
    object_class_property_add_str(oc, "accounting", prop_accounting, NULL);
    object_class_property_add_str(oc, "refusals", prop_refusals, NULL);
    object_class_property_add_str(oc, "checks", prop_checks, NULL);
    object_class_property_add_str(oc, "unmodelled", prop_unmodelled, NULL);
    object_class_property_add_str(oc, "vgpus", prop_vgpus, NULL);
    object_class_property_add_str(oc, "channels", prop_channels, NULL);
    object_class_property_add_enum(oc, "ecc", "OnOffAuto", &OnOffAuto_lookup, get_ecc, set_ecc);
    object_class_property_add_enum(oc, "timing", "AdaTiming", &timing_lookup, get_timing, set_timing);
    object_property_set_default_uint(add_u32(oc, "timing-seed", offsetof(AdaState, timing_seed)), 1);
    object_property_set_default_uint(add_u32(oc, "plugin-delay-ms", offsetof(AdaState, plugin_delay_ms)), 10);
    object_class_property_add_enum(oc, "numbers", "AdaNumbers", &numbers_lookup, get_numbers, set_numbers);
    object_class_property_add_enum(oc, "fb-regions", "AdaFbRegions", &fb_regions_lookup, get_fb_regions,
                                   set_fb_regions);
    object_property_set_default_bool(add_bool(oc, "vbios-fwsec", offsetof(AdaState, next_power_on.vbios_fwsec)), true);
    object_class_property_add_str(oc, "vbios", get_vbios, set_vbios);
    add_bool(oc, "prom-ifr", offsetof(AdaState, next_power_on.prom_ifr));
    add_bool(oc, "wpr2-up", offsetof(AdaState, next_power_on.wpr2_up));
    add_bool(oc, "scrubbed", offsetof(AdaState, next_power_on.scrubbed));
    add_u32(oc, "vga-workspace", offsetof(AdaState, next_power_on.vga_workspace));
    object_property_set_default_uint(add_u32(oc, "fuse-sec2", offsetof(AdaState, next_power_on.fuse_sec2)), 1);
    object_property_set_default_uint(add_u32(oc, "fuse-gsp", offsetof(AdaState, next_power_on.fuse_gsp)), 1);
    object_property_set_default_uint(add_u32(oc, "gfw-boot-ms", offsetof(AdaState, next_power_on.gfw_boot_ms)), 2);
    add_u32(oc, "fault-scrubber", offsetof(AdaState, faults.scrubber_error));
    add_u32(oc, "fault-booter", offsetof(AdaState, faults.booter_error));
    object_class_property_add_str(oc, "fault-gsp", get_fault_gsp, set_fault_gsp);
    object_class_property_add_str(oc, "sequencer", get_sequencer, set_sequencer);
    object_class_property_add_str(oc, "fault-message", get_fault_message, set_fault_message);
    object_class_property_add_str(oc, "inject-event", NULL, set_inject_event);
    object_class_property_add_bool(oc, "count-anew", NULL, set_count_anew);
    object_class_property_add_bool(oc, "crash-gsp", NULL, set_crash_gsp);
    object_class_property_add_bool(oc, "hang-gsp", NULL, set_hang_gsp);
    object_class_property_add_str(oc, "lose-interrupt", get_lose_interrupt, set_lose_interrupt);
    object_class_property_add_str(oc, "fault-register", get_fault_register, set_fault_register);
    object_class_property_add_str(oc, "fault-engine", get_fault_engine, set_fault_engine);
    object_class_property_add_str(oc, "fault-plugin", get_fault_plugin, set_fault_plugin);
    object_class_property_add_str(oc, "fault-guest", get_fault_guest, set_fault_guest);
    object_class_property_add_bool(oc, "surprise-removal", get_surprise_removal, set_surprise_removal);
    object_class_property_add(oc, "crash-plugin", "uint32", NULL, set_crash_plugin, NULL, NULL);
}

void ada_debug_init(AdaState *s)
{
    s->refusals = g_hash_table_new(g_str_hash, g_str_equal);
    s->rpc_counts = g_hash_table_new(NULL, NULL);
    s->event_counts = g_hash_table_new(NULL, NULL);
    s->program_counts = g_hash_table_new(g_str_hash, g_str_equal);
    s->unmodelled = g_hash_table_new(NULL, NULL);
}

void ada_debug_exit(AdaState *s)
{
    g_clear_pointer(&s->refusals, g_hash_table_unref);
    g_clear_pointer(&s->rpc_counts, g_hash_table_unref);
    g_clear_pointer(&s->event_counts, g_hash_table_unref);
    g_clear_pointer(&s->program_counts, g_hash_table_unref);
    g_clear_pointer(&s->unmodelled, g_hash_table_unref);
    g_clear_pointer(&s->faults.message, g_free);
    g_clear_pointer(&s->vbios_file, g_bytes_unref);
    g_clear_pointer(&s->vbios_name, g_free);
}
