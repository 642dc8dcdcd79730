/*
 * NVIDIA Ada GPU: what GSP-RM tells of vGPUs that run
 *
 * It answers one control with all of them, says by an event that something has changed, and sends once a second how
 * engines were used. What a guest's driver tells of itself and of its framebuffer comes from its calls. Its licence and
 * how busy it keeps engines are not to be seen here: that software is not modelled. A user of the model sets them
 * (inject-event).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "ada-guest.h"

#define IDLE        UINT32_MAX      /* as process id: nobody used the engine */

/* ---- events of a plugin task ------------------------------------------------------------------------------------- */

/* assumption PLUGIN-EVENTS: when each is sent */
void ada_vgpu_notify(AdaVgpu *v, uint32_t index)
{
    uint8_t p[r570_rpc_vgpu_gsp_plugin_triggered_v17_00__SIZE] = {};

    if (!ada_gsp_running(v->gpu)) {
        return;
    }
    stl_le_p(p + r570_rpc_vgpu_gsp_plugin_triggered_v17_00__gfid, v->gfid);
    stl_le_p(p + r570_rpc_vgpu_gsp_plugin_triggered_v17_00__notifyIndex, index);
    ada_gsp_event(v->gpu, RPC_EVENT(VGPU_GSP_PLUGIN_TRIGGERED), p, sizeof(p));
}

void ada_monitor_driver(AdaVgpu *v, bool loaded)
{
    if (v->info.loaded == loaded) {
        return;
    }
    v->info.loaded = loaded;
    if (!loaded) {
        v->info.fb_used = 0;    /* assumption GUEST-FB-USED */
    }
    ada_vgpu_notify(v, loaded ? r570_NVA084_NOTIFIERS_EVENT_GUEST_DRIVER_LOADED
                              : r570_NVA084_NOTIFIERS_EVENT_GUEST_DRIVER_UNLOADED);
}

void ada_monitor_os(AdaVgpu *v, uint32_t os)
{
    if (v->info.os != os) {
        v->info.os = os;
        ada_vgpu_notify(v, r570_NVA084_NOTIFIERS_EVENT_UPDATE_GUEST_OS_TYPE);
    }
}

void ada_monitor_license(AdaVgpu *v, uint32_t state)
{
    if (v->info.license != state) {
        v->info.license = state;
        ada_vgpu_notify(v, r570_NVA084_NOTIFIERS_EVENT_GUEST_LICENSE_STATE_CHANGED);
    }
}

/* ---- the control ------------------------------------------------------------------------------------------------- */

#define GUESTS(m)   ADA_OFF(fw, NV2080_CTRL_VGPU_MGR_INTERNAL_ENUMERATE_VGPU_PER_PGPU_PARAMS, m)
#define VM(m)       GUESTS(vgpuGuest__guestVmInfo__##m)
#define HOST(m)     GUESTS(vgpuGuest__vgpuDevice__##m)

static void put_guest(AdaVgpu *v, uint8_t *p)
{
    AdaFwVersion fw = v->gpu->gsp->fw;
    const AdaGuestInfo *info = &v->info;

    stl_le_p(p + VM(vmPid), v->vm_pid);
    stl_le_p(p + HOST(gfid), v->gfid);
    stl_le_p(p + HOST(eccState), v->gpu->ecc ? r570_NVA081_CTRL_ECC_STATE_ENABLED
                                                : r570_NVA081_CTRL_ECC_STATE_DISABLED);
    stq_le_p(p + HOST(fbUsed), info->fb_used);
    p[HOST(bDriverLoaded)] = info->loaded;
    if (!v->guest.version) {
        return;     /* its driver has not told of itself */
    }
    stl_le_p(p + VM(guestOs), info->os);
    stl_le_p(p + VM(guestNegotiatedVgpuVersion), v->guest.version);
    stl_le_p(p + VM(licenseState), info->license);
    p[VM(licensed)] = info->license == ADA_LICENSED;
    memcpy(p + VM(guestDriverVersion), info->version, sizeof(info->version));
    memcpy(p + VM(guestDriverBranch), info->branch, sizeof(info->branch));
    stl_le_p(p + VM(guestVmInfoState), r570_GUEST_VM_INFO_STATE_INITIALIZED);
}

uint32_t ada_vgpu_enumerate(AdaState *s, AdaObject *obj, uint8_t *p)
{
    AdaFwVersion fw = s->gsp->fw;
    uint32_t n = 0;

    memset(p, 0, ADA_SIZE(fw, NV2080_CTRL_VGPU_MGR_INTERNAL_ENUMERATE_VGPU_PER_PGPU_PARAMS));
    for (uint32_t gfid = 1; gfid <= ADA_MAX_GFID; gfid++) {
        if (s->gsp->vgpu[gfid].state == ADA_VGPU_RUNNING) {
            put_guest(&s->gsp->vgpu[gfid], p + n++ * GUESTS(vgpuGuest_STRIDE));
        }
    }
    stl_le_p(p + GUESTS(numVgpu), n);
    return NV(OK);
}

/* ---- use of engines ---------------------------------------------------------------------------------------------- */

#define SAMPLES(m)  r570_NV2080_CTRL_PERF_GET_GPUMON_PERFMON_UTIL_SAMPLES_V2_PARAMS_v1F_0E__##m
#define ENGINE(m)   r570_NV2080_CTRL_PERF_GPUMON_ENGINE_UTIL_SAMPLE_v17_00__##m

QEMU_BUILD_BUG_ON(SAMPLES(samples_NUM) != ADA_SAMPLES);

static void put_sample(uint8_t *p, const AdaSample *sample)
{
    static const uint32_t engine[ADA_UTIL_ENGINES] = {
        SAMPLES(samples__fb), SAMPLES(samples__gr), SAMPLES(samples__nvenc), SAMPLES(samples__nvdec),
    };

    stq_le_p(p + SAMPLES(samples__timeStamp), sample->time);
    for (size_t i = 0; i < ADA_UTIL_ENGINES; i++) {
        uint8_t *e = p + engine[i];
        bool busy = sample->util[i];

        stl_le_p(e + ENGINE(util), sample->util[i]);
        stl_le_p(e + ENGINE(procId), busy ? sample->pid : IDLE);
        stl_le_p(e + ENGINE(subProcessID), busy ? 1 : IDLE);
    }
}

/* the oldest one makes room */
static void add_sample(AdaGsp *g, const AdaSample *sample)
{
    g->sample[(g->oldest_sample + g->samples) % ADA_SAMPLES] = *sample;
    if (g->samples < ADA_SAMPLES) {
        g->samples++;
    } else {
        g->oldest_sample = (g->oldest_sample + 1) % ADA_SAMPLES;
    }
}

/* assumption UTIL: one row a vGPU that used something, one row of nobody if none did */
static void take_samples(AdaState *s)
{
    AdaGsp *g = s->gsp;
    AdaSample sample = { .time = ada_ptimer(s) };
    bool any = false;

    for (uint32_t gfid = 1; gfid <= ADA_MAX_GFID; gfid++) {
        const AdaVgpu *v = &g->vgpu[gfid];
        bool busy = false;

        for (size_t i = 0; i < ADA_UTIL_ENGINES; i++) {
            busy |= v->info.util[i] != 0;
        }
        if (busy && v->state == ADA_VGPU_RUNNING) {
            sample.pid = v->vm_pid;
            memcpy(sample.util, v->info.util, sizeof(sample.util));
            add_sample(g, &sample);
            any = true;
        }
    }
    if (!any) {
        add_sample(g, &(AdaSample) { .time = sample.time });
    }
}

void ada_monitor_tell_use(AdaState *s)
{
    g_autofree uint8_t *p = g_malloc0(SAMPLES(SIZE));
    AdaGsp *g = s->gsp;

    take_samples(s);
    p[SAMPLES(type)] = r570_NV2080_CTRL_GPUMON_SAMPLE_TYPE_PERFMON_UTIL;
    stl_le_p(p + SAMPLES(bufSize), SAMPLES(samples_SZ));
    stl_le_p(p + SAMPLES(count), g->samples);
    stl_le_p(p + SAMPLES(tracker), g->oldest_sample);
    for (unsigned int i = 0; i < g->samples; i++) {
        put_sample(p + i * SAMPLES(samples_STRIDE), &g->sample[i]);
    }
    ada_gsp_event(s, RPC_EVENT(GPUACCT_PERFMON_UTIL_SAMPLES), p, SAMPLES(SIZE));
}
