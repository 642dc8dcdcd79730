/*
 * NVIDIA Ada GPU: GSP-RM, its start and its message queues
 *
 * The CPU puts commands into one ring of 4 KiB slots and GSP-RM answers in another; both live in system memory that the
 * CPU described in the arguments of GSP-RM's start. What a broken message does is what NVIDIA's own queue code does to
 * one (it is the same on both ends): a bad checksum, length or count, or a sequence number from the future, leaves the
 * message where it is, so the queue stands still until GSP is reset; a sequence number from the past is skipped.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/host-utils.h"
#include "hw/pci/pci.h"
#include "hw/qdev-core.h"
#include "ada-gsp.h"

/* how long things take: long enough that a driver sees them happen after the call that caused them */
#define START_MS        2
#define LOCKDOWN_KNOWN_MS   50
#define INIT_MS         2
#define RETRY_MS        1
#define STORM               1000    /* as many messages that wait are one */

#define ELEM_HDR        r570_GSP_MSG_QUEUE_ELEMENT_HDR_SIZE
#define ELEM_OFF(m)     r570_GSP_MSG_QUEUE_ELEMENT__##m
#define ELEM_MAX        (r570_GSP_MSG_QUEUE_ELEMENT_SIZE_MAX / ADA_PAGE)
#define TX_OFF(m)       r570_msgqTxHeader__##m
#define RPC_VERSION     (r570_NV_VGPU_MSG_HEADER_VERSION_MAJOR_TOT << 24)

#define LIBOS_ID_RMARGS 0x524d41524753ull   /* "RMARGS" */

/* bounds of ours on what a guest may ask: shared memory 16 MiB, one command with its continuations 1 MiB */
#define MAX_SHARED      4096u
#define MAX_COMMAND     (1 * MiB)

QEMU_BUILD_BUG_ON(r535_GSP_MSG_QUEUE_ELEMENT_HDR_SIZE != r570_GSP_MSG_QUEUE_ELEMENT_HDR_SIZE);
QEMU_BUILD_BUG_ON(r535_GSP_MSG_QUEUE_ELEMENT__SIZE != r570_GSP_MSG_QUEUE_ELEMENT__SIZE);
QEMU_BUILD_BUG_ON(r535_msgqTxHeader__SIZE != r570_msgqTxHeader__SIZE);

static int64_t now_ms(void)
{
    return qemu_clock_get_ms(QEMU_CLOCK_VIRTUAL);
}

/* ---- shared memory ----------------------------------------------------------------------------------------------- */

static bool shm_access(AdaState *s, uint64_t off, void *buf, uint32_t len, bool write)
{
    AdaQueues *q = &s->gsp->q;

    while (len) {
        uint64_t page = off / ADA_PAGE;
        uint32_t in = off % ADA_PAGE, n = MIN(len, ADA_PAGE - in);

        if (page >= q->pages || !(write ? ada_dma_write(&s->func, q->page[page] + in, buf, n)
                                        : ada_dma_read(&s->func, q->page[page] + in, buf, n))) {
            return false;
        }
        off += n;
        buf = (uint8_t *)buf + n;
        len -= n;
    }
    return true;
}

static bool shm_read(AdaState *s, uint64_t off, void *buf, uint32_t len)
{
    return shm_access(s, off, buf, len, false);
}

static bool shm_write(AdaState *s, uint64_t off, const void *buf, uint32_t len)
{
    return shm_access(s, off, (void *)buf, len, true);
}

static bool shm_read32(AdaState *s, uint64_t off, uint32_t *val)
{
    uint32_t le = 0;
    bool ok = shm_read(s, off, &le, sizeof(le));

    *val = le32_to_cpu(le);
    return ok;
}

static bool shm_write32(AdaState *s, uint64_t off, uint32_t val)
{
    uint32_t le = cpu_to_le32(val);

    return shm_write(s, off, &le, sizeof(le));
}

/* ---- out: status queue ------------------------------------------------------------------------------------------- */

/* XOR of 64-bit words, folded; bytes past @len count as zero */
static uint32_t checksum(const uint8_t *p, uint32_t len)
{
    uint64_t sum = 0;

    for (; len >= 8; len -= 8, p += 8) {
        sum ^= ldq_le_p(p);
    }
    for (uint32_t i = 0; i < len; i++) {
        sum ^= (uint64_t)p[i] << (8 * i);
    }
    return (sum >> 32) ^ (uint32_t)sum;
}

static void out_free(void *opaque)
{
    AdaOut *out = opaque;

    g_free(out->rpc);
    g_free(out);
}

/* whole elements are zero-filled: older firmware sums pages, newer the message, and both hold */
static bool out_write(AdaState *s, AdaOut *out, uint32_t elems)
{
    AdaQueues *q = &s->gsp->q;
    g_autofree uint8_t *buf = g_malloc0(elems * ADA_PAGE);

    stl_le_p(buf + ELEM_OFF(seqNum), q->stat_seq);
    stl_le_p(buf + ELEM_OFF(elemCount), elems);
    memcpy(buf + ELEM_HDR, out->rpc, out->len);
    stl_le_p(buf + ELEM_OFF(checkSum), checksum(buf, elems * ADA_PAGE));
    if (out->corrupt) {
        buf[ELEM_HDR + out->len - 1] ^= 0x80;
    }
    for (uint32_t i = 0; i < elems; i++) {
        uint32_t slot = (q->stat_write + i) % q->stat_count;

        if (!shm_write(s, q->stat + q->stat_entry + (uint64_t)slot * ADA_PAGE, buf + i * ADA_PAGE, ADA_PAGE)) {
            return false;
        }
    }
    q->stat_write = (q->stat_write + elems) % q->stat_count;
    q->stat_seq++;
    return shm_write32(s, q->stat + TX_OFF(writePtr), q->stat_write);
}

/* how many slots the CPU has left free; one stays empty. false: the memory or the pointer is bad */
static bool out_room(AdaState *s, uint32_t *room)
{
    AdaQueues *q = &s->gsp->q;
    uint32_t read;

    if (!shm_read32(s, q->cmd + q->cmd_rx, &read)) {
        return false;
    }
    if (read >= q->stat_count) {
        ada_refuse(s, "queue-pointer", "status read pointer %u of %u", read, q->stat_count);
        *room = 0;
        return true;
    }
    *room = (read + q->stat_count - q->stat_write - 1) % q->stat_count;
    return true;
}

/*
 * Moves what waits into the queue as far as there is room, and comes back for the rest. Only events interrupt: of 5232
 * replies of an RTX 4070 none did
 */
static void out_flush(AdaState *s)
{
    AdaGsp *g = s->gsp;
    bool interrupt = false;
    AdaOut *out;

    while (g->state == ADA_GSP_RUNNING && (out = g_queue_peek_head(&g->out))) {
        uint32_t elems = DIV_ROUND_UP(ELEM_HDR + out->len, ADA_PAGE), room;

        if (out->due > now_ms()) {
            timer_mod_anticipate(g->timer, out->due);
            break;
        }
        if (!out_room(s, &room)) {
            ada_gsp_die(s);
            break;
        }
        if (room < elems) {
            if (g_queue_get_length(&g->out) < STORM) {
                timer_mod_anticipate(g->timer, now_ms() + RETRY_MS);
            } else {
                qemu_bh_schedule(g->work);      /* as soon as anything was read */
            }
            break;
        }
        g_queue_pop_head(&g->out);
        if (out_write(s, out, elems)) {
            interrupt |= out->event || s->reply_interrupt;
        } else {
            ada_gsp_die(s);
        }
        out_free(out);
    }
    if (interrupt) {
        ada_falcon_swgen0(&s->gsp_falcon);
    }
    if (g->state == ADA_GSP_RUNNING && g->unloading && g_queue_is_empty(&g->out)) {
        if (!g->stop_at) {
            g->stop_at = now_ms() + ada_time_ms(s, 0, 20, 500);
        }
        if (now_ms() < g->stop_at) {
            timer_mod_anticipate(g->timer, g->stop_at);
            return;
        }
        g->state = ADA_GSP_UNLOADED;
        s->gsp_falcon.mailbox[0] = 0x80000000;      /* processor suspended: what the driver waits for */
    }
}

static void out_push(AdaState *s, const uint8_t *hdr, uint32_t function, const uint8_t *payload, uint32_t len,
                     int64_t due, bool corrupt, bool event)
{
    AdaOut *out = g_new0(AdaOut, 1);

    out->len = RPC_HDR + len;
    out->rpc = g_malloc(out->len);
    out->due = due;
    out->corrupt = corrupt;
    out->event = event;
    memcpy(out->rpc, hdr, RPC_HDR);
    memcpy(out->rpc + RPC_HDR, payload, len);
    stl_le_p(out->rpc + RPC_OFF(length), out->len);
    stl_le_p(out->rpc + RPC_OFF(function), function);
    g_queue_push_tail(&s->gsp->out, out);
}

static void out_split(AdaState *s, const uint8_t *rpc, uint32_t len, int64_t due, bool corrupt)
{
    uint32_t function = ldl_le_p(rpc + RPC_OFF(function)), off = RPC_HDR;
    bool event = function >= RPC_EVENT(FIRST_EVENT);

    do {
        uint32_t n = MIN(len - off, RPC_MAX - RPC_HDR);

        out_push(s, rpc, function, rpc + off, n, due, corrupt, event);
        function = RPC_FN(CONTINUATION_RECORD);
        corrupt = false;
        off += n;
    } while (off < len);
}

/* a word has another value than GSP-RM has put there */
static void change_word(AdaState *s, uint8_t *rpc, uint32_t len, uint32_t offset, uint32_t value)
{
    if (len < RPC_HDR + 4 || offset > len - RPC_HDR - 4) {
        ada_refuse(s, "fault-word", "offset 0x%x of %u bytes", offset, len - RPC_HDR);
        return;
    }
    stl_le_p(rpc + RPC_HDR + offset, value);
}

void ada_gsp_send(AdaState *s, uint8_t *rpc, uint32_t len, uint32_t control)
{
    uint32_t function = ldl_le_p(rpc + RPC_OFF(function)), arg[2] = {}, late;
    AdaFaultKind fault = ada_fault_message(s, false, function, control, arg);

    if (s->gsp->state != ADA_GSP_RUNNING || fault == ADA_FAULT_DROP) {
        return;
    }
    if (fault == ADA_FAULT_DELAY) {
        late = arg[0];
    } else {
        late = function < RPC_EVENT(FIRST_EVENT) ? ada_time_ms(s, 0, 1, 200) : 0;
    }
    if (fault == ADA_FAULT_WORD) {
        change_word(s, rpc, len, arg[0], arg[1]);
    }
    out_split(s, rpc, len, late ? now_ms() + late : 0, fault == ADA_FAULT_CORRUPT);
    if (fault == ADA_FAULT_DUPLICATE) {
        out_split(s, rpc, len, 0, false);
    }
    qemu_bh_schedule(s->gsp->work);
}

void ada_gsp_event(AdaState *s, uint32_t function, const void *payload, uint32_t len)
{
    g_autofree uint8_t *rpc = g_malloc0(RPC_HDR + len);

    stl_le_p(rpc + RPC_OFF(header_version), RPC_VERSION);
    stl_le_p(rpc + RPC_OFF(signature), r570_NV_VGPU_MSG_SIGNATURE_VALID);
    stl_le_p(rpc + RPC_OFF(length), RPC_HDR + len);
    stl_le_p(rpc + RPC_OFF(function), function);
    if (len) {
        memcpy(rpc + RPC_HDR, payload, len);
    }
    ada_count_event(s, function);
    ada_gsp_send(s, rpc, RPC_HDR + len, 0);
}

/* ---- in: command queue ------------------------------------------------------------------------------------------- */

static void execute(AdaState *s, GByteArray *msg)
{
    uint32_t control = ada_rpc_control(msg);

    if (ada_rpc_execute(s, msg)) {
        stl_le_p(msg->data + RPC_OFF(length), msg->len);
        ada_gsp_send(s, msg->data, msg->len, control);
    }
}

static void large_drop(AdaGsp *g)
{
    if (g->large) {
        g_byte_array_free(g->large, true);
        g->large = NULL;
    }
}

static void large_append(AdaState *s, const uint8_t *rpc, uint32_t len)
{
    AdaGsp *g = s->gsp;
    uint32_t n = len - RPC_HDR;

    if (n > g->large_len - g->large->len) {
        ada_refuse(s, "rpc-continuation", "%u bytes too many", n - (g->large_len - g->large->len));
        large_drop(g);
        return;
    }
    g_byte_array_append(g->large, rpc + RPC_HDR, n);
    if (g->large->len == g->large_len) {
        GByteArray *msg = g->large;

        g->large = NULL;
        execute(s, msg);
        g_byte_array_free(msg, true);
    }
}

/* one message of the queue: a command, the start of a large one, or its continuation */
static void deliver(AdaState *s, const uint8_t *rpc, uint32_t len, uint32_t elems)
{
    AdaGsp *g = s->gsp;
    uint32_t function = ldl_le_p(rpc + RPC_OFF(function));
    uint64_t full = ada_rpc_full_length(rpc, len);
    GByteArray *msg;

    if (function == RPC_FN(CONTINUATION_RECORD)) {
        if (g->large) {
            large_append(s, rpc, len);
        } else {
            ada_refuse(s, "rpc-continuation", "nothing to continue");
        }
        return;
    }
    if (g->large) {
        ada_refuse(s, "rpc-continuation", "function %u where %u more bytes were due", function,
                   g->large_len - g->large->len);
        large_drop(g);
    }
    msg = g_byte_array_new();
    g_byte_array_append(msg, rpc, len);
    if (full > len && full <= MAX_COMMAND && elems == ELEM_MAX) {
        g->large = msg;
        g->large_len = full;
        return;
    }
    execute(s, msg);
    g_byte_array_free(msg, true);
}

static bool consume(AdaState *s, uint32_t elems)
{
    AdaQueues *q = &s->gsp->q;

    q->cmd_read = (q->cmd_read + elems) % q->cmd_count;
    return shm_write32(s, q->stat + q->stat_rx, q->cmd_read);
}

/* false: leave it there */
static bool message_ok(AdaState *s, const uint8_t *elem, uint32_t elems, bool *old)
{
    AdaQueues *q = &s->gsp->q;
    uint32_t len = ldl_le_p(elem + ELEM_OFF(rpc__length)), seq = ldl_le_p(elem + ELEM_OFF(seqNum));

    *old = false;
    if (len < RPC_HDR || len > elems * ADA_PAGE - ELEM_HDR) {
        ada_refuse(s, "rpc-length", "%u bytes in %u elements", len, elems);
        return false;
    }
    if (checksum(elem, ELEM_HDR + len)) {
        ada_refuse(s, "rpc-checksum", "sequence %u, function %u, %u bytes", seq,
                   ldl_le_p(elem + ELEM_OFF(rpc__function)), len);
        return false;
    }
    if (seq != q->cmd_seq) {
        ada_refuse(s, "rpc-sequence", "%u, expected %u", seq, q->cmd_seq);
        *old = seq < q->cmd_seq;
        return *old;
    }
    return true;
}

/* true: a message was taken off the queue */
static bool take_command(AdaState *s)
{
    AdaQueues *q = &s->gsp->q;
    uint32_t write, avail, elems;
    uint64_t entries = q->cmd + q->cmd_entry;
    g_autofree uint8_t *elem = NULL;
    bool old;

    if (!shm_read32(s, q->cmd + TX_OFF(writePtr), &write)) {
        ada_gsp_die(s);
        return false;
    }
    if (write >= q->cmd_count) {
        ada_refuse(s, "queue-pointer", "command write pointer %u of %u", write, q->cmd_count);
        return false;
    }
    avail = (write + q->cmd_count - q->cmd_read) % q->cmd_count;
    if (!avail) {
        return false;
    }
    if (!shm_read32(s, entries + (uint64_t)q->cmd_read * ADA_PAGE + ELEM_OFF(elemCount), &elems)) {
        ada_gsp_die(s);
        return false;
    }
    if (!elems || elems > ELEM_MAX || elems > avail) {
        ada_refuse(s, "rpc-elements", "message of %u elements, %u in the queue", elems, avail);
        return false;
    }
    elem = g_malloc(elems * ADA_PAGE);
    for (uint32_t i = 0; i < elems; i++) {
        uint32_t slot = (q->cmd_read + i) % q->cmd_count;

        if (!shm_read(s, entries + (uint64_t)slot * ADA_PAGE, elem + i * ADA_PAGE, ADA_PAGE)) {
            ada_gsp_die(s);
            return false;
        }
    }
    if (!message_ok(s, elem, elems, &old)) {
        return false;
    }
    if (!consume(s, elems)) {
        ada_gsp_die(s);
        return false;
    }
    if (!old) {
        q->cmd_seq++;
        deliver(s, elem + ELEM_HDR, ldl_le_p(elem + ELEM_OFF(rpc__length)), elems);
    }
    return true;
}

void ada_gsp_doorbell(AdaState *s)
{
    if (ada_gsp_running(s)) {       /* else harmless: commands are queued before GSP-RM is there */
        qemu_bh_schedule(s->gsp->work);
    }
}

/* ---- start ------------------------------------------------------------------------------------------------------- */

/* A line for the log of a RISC-V core: which, bytes, text */
static void libos_print(AdaState *s, uint32_t len)
{
    uint8_t p[64] = {};

    stl_le_p(p + r570_rpc_ucode_libos_print_v1E_08__libosPrintBufSize, len - r570_rpc_ucode_libos_print_v1E_08__SIZE);
    ada_gsp_event(s, RPC_EVENT(UCODE_LIBOS_PRINT), p, len);
}

/*
 * What comes before INIT_DONE beside the sequencer's program, by kind and number as seen: of 535.113.01 on an RTX 4070
 * SUPER; with NOCAT records of 575 on a 4090 and of 580 on a 4070. What is in them is not published
 */
static void early_events(AdaState *s, bool before_sequencer)
{
    uint8_t word[4] = {};

    if (s->gsp->fw == ADA_FW_535) {
        ada_gsp_event(s, r535_NV_VGPU_MSG_EVENT_GSP_SEND_USER_SHARED_DATA, word, sizeof(word));
        if (!before_sequencer) {
            libos_print(s, 24);
            libos_print(s, 32);
        }
    } else if (before_sequencer) {
        libos_print(s, 24);
        libos_print(s, 32);
        ada_gsp_event(s, RPC_EVENT(GSP_POST_NOCAT_RECORD), word, sizeof(word));
        ada_gsp_event(s, RPC_EVENT(GSP_POST_NOCAT_RECORD), word, sizeof(word));
    }
}

/*
 * A log starts with its put pointer, which counts words. The numbers are those of an RTX 4070 SUPER with 535.113.01
 * when it is up; what is in a log is not published, so nothing is. Assumption LOGS: others write as much
 */
static void write_logs(AdaState *s)
{
    static const uint64_t put[ADA_LOGS] = { 0x182, 0x2, 0x132 };

    for (size_t i = 0; i < ADA_LOGS; i++) {
        uint64_t le = cpu_to_le64(put[i]);

        if (s->gsp->log[i]) {
            ada_dma_write(&s->func, s->gsp->log[i], &le, sizeof(le));
        }
    }
}

static void init_done(AdaState *s)
{
    AdaGsp *g = s->gsp;

    if (!g->seq_sent) {
        early_events(s, true);
        ada_seq_send(s);
    }
    if (ada_seq_done(s)) {
        early_events(s, false);
        g->init_done = true;
        write_logs(s);
        ada_gsp_event(s, RPC_EVENT(GSP_INIT_DONE), NULL, 0);
        if (g->sriov_mode && s->util_interval_ms) {
            g->tell_use_at = now_ms() + s->util_interval_ms;
        }
    } else {
        g->init_at = now_ms() + 1;
    }
}

/*
 * Assumption VF-INFO: in SR-IOV mode GSP-RM does not come up with other VFs than the SR-IOV capability has. A BAR at 0
 * is one that the host had no room for, which keeps VFs from being enabled and nothing else.
 */
static bool vf_info_ok(AdaState *s)
{
    PCIDevice *pdev = PCI_DEVICE(s);
    const uint8_t *cap = pdev->config + pdev->exp.sriov_cap;
    static const unsigned int regs[] = { 0, 1, 3 };     /* a 64-bit BAR takes two */
    AdaGsp *g = s->gsp;

    if (g->vf.total != pci_get_word(cap + PCI_SRIOV_TOTAL_VF) ||
        g->vf.first != pci_get_word(cap + PCI_SRIOV_VF_OFFSET)) {
        ada_refuse(s, "system-info-vf", "%u VFs at offset %u", g->vf.total, g->vf.first);
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(regs); i++) {
        const uint8_t *reg = cap + PCI_SRIOV_BAR + 4 * regs[i];
        bool wide = pci_get_long(reg) & PCI_BASE_ADDRESS_MEM_TYPE_64;
        uint64_t addr = (wide ? pci_get_quad(reg) : pci_get_long(reg)) & PCI_BASE_ADDRESS_MEM_MASK;

        if (g->vf.bar[i] && (g->vf.bar[i] != addr || g->vf.wide[i] != wide)) {
            ada_refuse(s, "system-info-vf", "VF BAR%u 0x%" PRIx64 "%s, really 0x%" PRIx64 "%s", regs[i], g->vf.bar[i],
                       g->vf.wide[i] ? " of 64 bits" : "", addr, wide ? " of 64 bits" : "");
            return false;
        }
    }
    return true;
}

static void maybe_init_done(AdaState *s)
{
    AdaGsp *g = s->gsp;

    if (!g->have_system_info || !g->have_registry) {
        return;
    }
    if (g->sriov_mode && !vf_info_ok(s)) {
        ada_gsp_die(s);
    } else {
        g->init_at = now_ms() + ada_time_ms(s, INIT_MS, 1000, 1300);
        timer_mod_anticipate(g->timer, g->init_at);
    }
}

/*
 * Assumption LIBOS-REGIONS: those that GSP-RM knows are whole pages of contiguous system memory; others are ignored,
 * whatever they are. Names are packed with the first character on top.
 */
static bool libos_region_ok(AdaState *s, uint64_t id, const uint8_t *e)
{
    const uint64_t known[ADA_LOGS + 1] = { 0x4c4f47494e4954 /* LOGINIT */, 0x4c4f47494e5452 /* LOGINTR */,
                                           0x4c4f47524d /* LOGRM */, LIBOS_ID_RMARGS };
    uint64_t pa = ldq_le_p(e + r570_LibosMemoryRegionInitArgument__pa);
    uint64_t size = ldq_le_p(e + r570_LibosMemoryRegionInitArgument__size);
    const char *what = NULL;
    uint8_t page[ADA_PAGE];
    bool hit = false;

    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (id == known[i]) {
            hit = true;
            if (i < ADA_LOGS) {
                s->gsp->log[i] = pa;
            }
        }
    }
    if (!hit) {
        return true;
    }
    if (e[r570_LibosMemoryRegionInitArgument__kind] != r570_LIBOS_MEMORY_REGION_CONTIGUOUS ||
        e[r570_LibosMemoryRegionInitArgument__loc] != r570_LIBOS_MEMORY_REGION_LOC_SYSMEM) {
        what = "not contiguous system memory";
    } else if (pa % ADA_PAGE || !size || size % ADA_PAGE || size > UINT64_MAX - pa) {
        what = "not whole pages";
    } else if (!ada_dma_read(&s->func, pa, page, sizeof(page)) ||
               !ada_dma_read(&s->func, pa + size - ADA_PAGE, page, sizeof(page))) {
        what = "not to be read";
    }
    if (what) {
        ada_refuse(s, "libos-args", "region 0x%" PRIx64 ", 0x%" PRIx64 " + 0x%" PRIx64 ", is %s", id, pa, size, what);
    }
    return !what;
}

/* libos arguments: 32-byte entries in one page */
static bool find_rmargs(AdaState *s, uint64_t *addr)
{
    uint8_t page[r570_LIBOS_MEMORY_REGION_INIT_ARGUMENTS_MAX];
    const uint32_t step = r570_LibosMemoryRegionInitArgument__SIZE;
    bool found = false;

    if (s->gsp->libos_args % ADA_PAGE || !ada_dma_read(&s->func, s->gsp->libos_args, page, sizeof(page))) {
        ada_refuse(s, "libos-args", "no page at 0x%" PRIx64, s->gsp->libos_args);
        return false;
    }
    for (uint32_t i = 0; i + step <= sizeof(page); i += step) {
        const uint8_t *e = page + i;
        uint64_t id = ldq_le_p(e + r570_LibosMemoryRegionInitArgument__id8);

        if (!id) {
            break;
        }
        if (!libos_region_ok(s, id, e)) {
            return false;
        }
        if (id == LIBOS_ID_RMARGS) {
            *addr = ldq_le_p(e + r570_LibosMemoryRegionInitArgument__pa);
            found = true;
        }
    }
    if (!found) {
        ada_refuse(s, "libos-args", "no RMARGS");
    }
    return found;
}

/* the page table of the shared memory is at its start and describes itself, too */
static bool map_shared(AdaState *s, uint64_t addr, uint32_t count)
{
    AdaQueues *q = &s->gsp->q;
    uint64_t pte[ADA_PAGE / 8];

    if (!count || count > MAX_SHARED || addr % ADA_PAGE) {
        ada_refuse(s, "rmargs", "%u pages of shared memory at 0x%" PRIx64, count, addr);
        return false;
    }
    q->page = g_new0(uint64_t, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t in = i % ARRAY_SIZE(pte);

        if (!in && !ada_dma_read(&s->func, i ? q->page[i / ARRAY_SIZE(pte)] : addr, pte, sizeof(pte))) {
            return false;
        }
        q->page[i] = le64_to_cpu(pte[in]);
        if (!q->page[i] || q->page[i] % ADA_PAGE || (!i && q->page[i] != addr)) {
            ada_refuse(s, "queue-pte", "entry %u is 0x%" PRIx64, i, q->page[i]);
            return false;
        }
    }
    q->pages = count;
    return true;
}

static bool read_rmargs(AdaState *s)
{
    AdaGsp *g = s->gsp;
    uint8_t args[MAX_CONST(r535_GSP_ARGUMENTS_CACHED__SIZE, r570_GSP_ARGUMENTS_CACHED__SIZE)];
    uint64_t addr;

    if (!find_rmargs(s, &addr) || !ada_dma_read(&s->func, addr, args, ADA_SIZE(g->fw, GSP_ARGUMENTS_CACHED))) {
        return false;
    }
#define ARG(m)  (args + ADA_OFF(g->fw, GSP_ARGUMENTS_CACHED, m))
    if (*ARG(srInitArguments__bInPMTransition)) {
        ada_refuse(s, "rmargs", "resume is not modelled");
        return false;
    }
    g->q.cmd = ldq_le_p(ARG(messageQueueInitArguments__cmdQueueOffset));
    g->q.stat = ldq_le_p(ARG(messageQueueInitArguments__statQueueOffset));
    return map_shared(s, ldq_le_p(ARG(messageQueueInitArguments__sharedMemPhysAddr)),
                      ldl_le_p(ARG(messageQueueInitArguments__pageTableEntryCount)));
#undef ARG
}

/* the command queue's header, as the receiving end of NVIDIA's msgq checks it */
static bool link_queues(AdaState *s)
{
    AdaQueues *q = &s->gsp->q;
    uint8_t tx[r570_msgqTxHeader__SIZE], rx[4] = {};
    uint64_t all = (uint64_t)q->pages * ADA_PAGE;
    uint32_t size, entry, rx_off;

    if (q->cmd >= all || q->stat >= all || q->cmd % ADA_PAGE || q->stat % ADA_PAGE || q->cmd == q->stat ||
        !shm_read(s, q->cmd, tx, sizeof(tx))) {
        ada_refuse(s, "rmargs", "queues at 0x%" PRIx64 " and 0x%" PRIx64, q->cmd, q->stat);
        return false;
    }
    size = ldl_le_p(tx + TX_OFF(size));
    entry = ldl_le_p(tx + TX_OFF(entryOff));
    rx_off = ldl_le_p(tx + TX_OFF(rxHdrOff));
    if (ldl_le_p(tx + TX_OFF(version)) != r570_MSGQ_VERSION || ldl_le_p(tx + TX_OFF(msgSize)) != ADA_PAGE ||
        !(ldl_le_p(tx + TX_OFF(flags)) & r570_MSGQ_FLAGS_SWAP_RX) || rx_off < sizeof(tx) || rx_off > entry ||
        entry - rx_off < sizeof(rx) || entry > size || (size - entry) / ADA_PAGE < 2 ||
        ldl_le_p(tx + TX_OFF(msgCount)) != (size - entry) / ADA_PAGE) {
        ada_refuse(s, "queue-header",
                   "size 0x%x, message size 0x%x, %u messages, flags 0x%x, rx header 0x%x, entries 0x%x", size,
                   ldl_le_p(tx + TX_OFF(msgSize)), ldl_le_p(tx + TX_OFF(msgCount)), ldl_le_p(tx + TX_OFF(flags)),
                   rx_off, entry);
        return false;
    }
    if (size > all - MAX(q->cmd, q->stat) || size > MAX(q->cmd, q->stat) - MIN(q->cmd, q->stat)) {
        ada_refuse(s, "queue-header", "queues of 0x%x bytes do not fit", size);
        return false;
    }
    q->cmd_entry = entry;
    q->cmd_rx = rx_off;
    q->cmd_count = (size - entry) / ADA_PAGE;

    /* our end, with the layout that GSP-RM's own alignments give */
    q->stat_rx = r570_msgqTxHeader__SIZE;
    q->stat_entry = r570_GSP_MSG_QUEUE_HEADER_SIZE;
    q->stat_count = (size - q->stat_entry) / ADA_PAGE;
    stl_le_p(tx + TX_OFF(msgCount), q->stat_count);
    stl_le_p(tx + TX_OFF(writePtr), 0);
    stl_le_p(tx + TX_OFF(flags), r570_MSGQ_FLAGS_SWAP_RX);
    stl_le_p(tx + TX_OFF(rxHdrOff), q->stat_rx);
    stl_le_p(tx + TX_OFF(entryOff), q->stat_entry);
    return shm_write(s, q->stat + q->stat_rx, rx, sizeof(rx)) && shm_write(s, q->stat, tx, sizeof(tx));
}

static void start(AdaState *s)
{
    AdaGsp *g = s->gsp;

    if (s->faults.gsp == ADA_GSP_SILENT) {
        g->state = ADA_GSP_DEAD;        /* hangs: active, deaf and mute */
        return;
    }
    if (s->faults.gsp == ADA_GSP_DIES || !read_rmargs(s) || !link_queues(s) || !ada_rm_start(s)) {
        ada_gsp_die(s);
        return;
    }
    g->state = ADA_GSP_RUNNING;
}

static void run_commands(AdaState *s)
{
    AdaGsp *g = s->gsp;
    uint32_t budget = g->q.cmd_count;

    /* one task: it takes the next command only after the answer to the last one found room */
    do {
        out_flush(s);
        if (!budget--) {
            qemu_bh_schedule(g->work);
            return;
        }
    } while (ada_gsp_running(s) && g_queue_is_empty(&g->out) && take_command(s));
}

/*
 * All that GSP-RM does is done here, outside of the register access or timer that caused it, so that a driver has to
 * wait for it
 */
static void gsp_work(void *opaque)
{
    AdaState *s = opaque;
    AdaGsp *g = s->gsp;

    if (s->faults.off_bus) {
        return;     /* no way out for what it has to say */
    }
    if (g->state == ADA_GSP_STARTING && now_ms() >= g->start_at) {
        start(s);
    }
    if (ada_gsp_running(s) && g->init_at && now_ms() >= g->init_at) {
        g->init_at = 0;
        init_done(s);
    }
    if (ada_gsp_running(s)) {
        run_commands(s);
        ada_guest_work(s);
    }
    if (ada_gsp_running(s) && g->tell_use_at && now_ms() >= g->tell_use_at) {
        g->tell_use_at = now_ms() + s->util_interval_ms;
        ada_monitor_tell_use(s);
    }
    if (ada_gsp_running(s) && g->init_at) {
        timer_mod_anticipate(g->timer, g->init_at);
    }
    if (ada_gsp_running(s) && g->tell_use_at) {
        timer_mod_anticipate(g->timer, g->tell_use_at);
    }
}

static void gsp_timer(void *opaque)
{
    AdaState *s = opaque;

    qemu_bh_schedule(s->gsp->work);
}

void ada_gsp_boot(AdaState *s, uint64_t libos_args)
{
    AdaGsp *g = s->gsp;

    ada_gsp_forget(s);
    /* an unknown image with checks off: take it for the newer release */
    g->fw = s->wpr.fw ? ada_fw_version(s->wpr.fw) : ADA_FW_570;
    g->libos_args = libos_args;
    g->state = ADA_GSP_STARTING;
    g->start_at = now_ms() + ada_time_ms(s, START_MS, 5, 60);
    timer_mod_anticipate(g->timer, g->start_at);
}

/*
 * Assumption LOCKDOWN: while GSP-RM has locked its core down, registers of the GSP answer as those of an engine in
 * reset, but for the doorbells. Whoever was told of it has 50 ms to read that.
 */
bool ada_gsp_locked(AdaState *s, uint32_t off)
{
    AdaGsp *g = s->gsp;

    if (!g->locked_down) {
        return false;
    }
    if (now_ms() > g->lockdown_known) {
        ada_refuse(s, "gsp-lockdown", "register 0x%06x of the GSP while GSP-RM has locked it down", off);
    }
    return true;
}

void ada_gsp_lockdown(AdaState *s, bool engage)
{
    uint8_t p[1] = { engage };

    QEMU_BUILD_BUG_ON(sizeof(p) != r570_rpc_gsp_lockdown_notice_v17_00__SIZE);
    QEMU_BUILD_BUG_ON(sizeof(p) != r535_rpc_gsp_lockdown_notice_v17_00__SIZE);
    ada_gsp_event(s, RPC_EVENT(GSP_LOCKDOWN_NOTICE), p, sizeof(p));
    s->gsp->locked_down = engage;
    s->gsp->lockdown_known = now_ms() + LOCKDOWN_KNOWN_MS;
}

bool ada_gsp_running(AdaState *s)
{
    return s->gsp->state == ADA_GSP_RUNNING && s->gsp_falcon.riscv_active;
}

void ada_gsp_die(AdaState *s)
{
    s->gsp->state = ADA_GSP_DEAD;
    ada_falcon_riscv_halt(&s->gsp_falcon);
}

void ada_gsp_forget(AdaState *s)
{
    AdaGsp *g = s->gsp;

    timer_del(g->timer);
    qemu_bh_cancel(g->work);
    g_queue_clear_full(&g->out, out_free);
    large_drop(g);
    g_free(g->q.page);
    memset(&g->q, 0, sizeof(g->q));
    ada_vgpu_stop_all(s);
    ada_rm_exit(s);
    ada_rm_init(s);
    g->have_system_info = g->have_registry = g->init_done = g->unloading = g->sriov_mode = g->seq_sent = false;
    g->locked_down = false;
    memset(&g->vf, 0, sizeof(g->vf));
    memset(g->log, 0, sizeof(g->log));
    g->start_at = g->init_at = g->stop_at = g->tell_use_at = 0;
    g->samples = g->oldest_sample = 0;
    g->state = ADA_GSP_OFF;
    ada_tlb_reset(s);
    ada_account(s);
}

void ada_gsp_init(AdaState *s)
{
    AdaGsp *g = g_new0(AdaGsp, 1);

    s->gsp = g;
    g->timer = timer_new_ms(QEMU_CLOCK_VIRTUAL, gsp_timer, s);
    g->work = qemu_bh_new_guarded(gsp_work, s, &DEVICE(s)->mem_reentrancy_guard);
    g_queue_init(&g->out);
    ada_rm_init(s);
    ada_vgpu_init(s);
}

void ada_gsp_exit(AdaState *s)
{
    AdaGsp *g = s->gsp;

    if (!g) {
        return;
    }
    ada_gsp_forget(s);
    ada_vgpu_exit(s);
    ada_rm_exit(s);
    timer_free(g->timer);
    qemu_bh_delete(g->work);
    g_clear_pointer(&s->gsp, g_free);
}

/* ---- the commands that start-up needs ---------------------------------------------------------------------------- */

/*
 * Assumption SYSTEM-INFO: GSP-RM uses what it is told about PCI, so that with other BARs, bus or mirror than the real
 * ones it does not come up. Bits 15:8 of nvDomainBusDeviceFunc are the bus in every driver's encoding; one that is 0
 * was seen to do, with a GPU behind USB4.
 */
static bool system_info_ok(AdaState *s, const uint8_t *p)
{
    AdaFwVersion fw = s->gsp->fw;
    PCIDevice *pdev = PCI_DEVICE(s);
    uint64_t bdf = ldq_le_p(p + ADA_OFF(fw, GspSystemInfo, nvDomainBusDeviceFunc));
    uint64_t got[] = {
        ldq_le_p(p + ADA_OFF(fw, GspSystemInfo, gpuPhysAddr)), ldq_le_p(p + ADA_OFF(fw, GspSystemInfo, gpuPhysFbAddr)),
        ldq_le_p(p + ADA_OFF(fw, GspSystemInfo, gpuPhysInstAddr)),
        bdf ? extract64(bdf, 8, 8) : pci_dev_bus_num(pdev),
        ldl_le_p(p + ADA_OFF(fw, GspSystemInfo, pciConfigMirrorBase)),
        ldl_le_p(p + ADA_OFF(fw, GspSystemInfo, pciConfigMirrorSize)),
    };
    uint64_t want[] = {
        pci_get_bar_addr(pdev, 0), pci_get_bar_addr(pdev, 1), pci_get_bar_addr(pdev, 3), pci_dev_bus_num(pdev),
        ADA_CONFIG_MIRROR, PCIE_CONFIG_SPACE_SIZE,
    };
    static const char *const what[] = { "BAR0", "BAR1", "BAR3", "bus", "config mirror", "config mirror size" };

    for (size_t i = 0; i < ARRAY_SIZE(got); i++) {
        if (got[i] != want[i]) {
            ada_refuse(s, "system-info", "%s 0x%" PRIx64 ", really 0x%" PRIx64, what[i], got[i], want[i]);
            return false;
        }
    }
    return true;
}

uint32_t ada_gsp_set_system_info(AdaState *s, uint8_t *p, uint32_t len)
{
    AdaGsp *g = s->gsp;

    if (!system_info_ok(s, p)) {
        ada_gsp_die(s);
        return NV(ERR_INVALID_ARGUMENT);
    }
#define VF_INFO(m)  (p + ADA_OFF(g->fw, GspSystemInfo, gspVFInfo__##m))
    g->vf.total = ldl_le_p(VF_INFO(totalVFs));
    g->vf.first = ldl_le_p(VF_INFO(firstVFOffset));
    g->vf.bar[0] = ldq_le_p(VF_INFO(FirstVFBar0Address));
    g->vf.bar[1] = ldq_le_p(VF_INFO(FirstVFBar1Address));
    g->vf.bar[2] = ldq_le_p(VF_INFO(FirstVFBar2Address));
    g->vf.wide[0] = *VF_INFO(b64bitBar0);
    g->vf.wide[1] = *VF_INFO(b64bitBar1);
    g->vf.wide[2] = *VF_INFO(b64bitBar2);
#undef VF_INFO
    g->have_system_info = true;
    maybe_init_done(s);
    return NV(OK);
}

/* the NUL-terminated name at @off of the table, NULL when there is none */
static const char *registry_name(const uint8_t *p, uint32_t size, uint32_t off)
{
    return off < size && memchr(p + off, 0, size - off) ? (const char *)p + off : NULL;
}

static bool registry_parse(AdaState *s, const uint8_t *p, uint32_t len)
{
    uint32_t size = ldl_le_p(p + r570_PACKED_REGISTRY_TABLE__size);
    uint32_t count = ldl_le_p(p + r570_PACKED_REGISTRY_TABLE__numEntries);
    const uint32_t first = r570_PACKED_REGISTRY_TABLE__entries, step = r570_PACKED_REGISTRY_ENTRY__SIZE;

    if (size > len || size < first || count > (size - first) / step) {
        ada_refuse(s, "registry", "%u entries in %u bytes of %u", count, size, len);
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *e = p + first + i * step;
        const char *name = registry_name(p, size, ldl_le_p(e + r570_PACKED_REGISTRY_ENTRY__nameOffset));
        uint32_t data = ldl_le_p(e + r570_PACKED_REGISTRY_ENTRY__data);
        uint32_t length = ldl_le_p(e + r570_PACKED_REGISTRY_ENTRY__length);
        uint8_t type = e[r570_PACKED_REGISTRY_ENTRY__type];

        if (!name || type < r570_REGISTRY_TABLE_ENTRY_TYPE_DWORD || type > r570_REGISTRY_TABLE_ENTRY_TYPE_STRING ||
            (type != r570_REGISTRY_TABLE_ENTRY_TYPE_DWORD && (data > size || length > size - data))) {
            ada_refuse(s, "registry", "entry %u: name %s, type %u, length %u", i, name ? name : "outside", type,
                       length);
            return false;
        }
        if (!strcmp(name, "RMSetSriovMode") && type == r570_REGISTRY_TABLE_ENTRY_TYPE_DWORD) {
            s->gsp->sriov_mode = data == 1 && s->sriov;
        }
    }
    return true;
}

uint32_t ada_gsp_set_registry(AdaState *s, uint8_t *p, uint32_t len)
{
    if (!registry_parse(s, p, len)) {
        ada_gsp_die(s);
        return NV(ERR_INVALID_ARGUMENT);
    }
    s->gsp->have_registry = true;
    maybe_init_done(s);
    return NV(OK);
}

uint32_t ada_gsp_unloading(AdaState *s, uint8_t *p, uint32_t len)
{
    s->gsp->unloading = true;       /* after the reply has left: out_flush() */
    return NV(OK);
}
