/*
 * NVIDIA Ada GPU: channels and the engine behind them, what their files share
 *
 *   ada-chan.c    channels: doorbell, GPFIFO, pushbuffer, methods of the host, faults
 *   ada-ce.c      methods of the copy engine
 *   ada-rmchan.c  GSP-RM's part: engines it tells of, channel objects, their controls
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_MISC_NVIDIA_ADA_CHAN_H
#define HW_MISC_NVIDIA_ADA_CHAN_H

#include "ada-gsp.h"

/* a field or a constant of the classes' headers, which both releases share */
#define ADA_FIELD(val, field) \
    extract32(val, r570_##field##_LO, r570_##field##_HI - r570_##field##_LO + 1)
#define ADA_IS(val, field, value)   (ADA_FIELD(val, field) == r570_##field##_##value)

/* methods of an engine that is switched away from after a fault: seen on GA106 with 580, used on Ada with 570 */
#define ADA_METHOD_BUFFER   20480

/* an engine that channels can work for, with its runlist */
typedef struct AdaEngine {
    const char *name;
    uint32_t type;              /* NV2080_ENGINE_TYPE, RM_ENGINE_TYPE */
    uint32_t instance, class;   /* LCE; of the objects on its channels */
    uint32_t runlist, mmu_fault_id;
    uint32_t nonstall_vector;
    uint32_t xid;               /* ROBUST_CHANNEL_*: an error of its own */
    bool swallows;              /* takes methods of any class and does nothing */
} AdaEngine;

/* the one that the host's driver has, and its place in the table of interrupts */
const AdaEngine *ada_engine(AdaState *s);
uint32_t ada_engine_mc_index(AdaState *s);
/* those that a guest has, NULL behind the last one */
const AdaEngine *ada_guest_engine(AdaState *s, unsigned int i);
/* an entry of the table of FIFO devices, which is zero; @mc: place in the table of interrupts, as its reader counts */
void ada_engine_entry(const AdaEngine *e, uint32_t mc, uint32_t pbdma, uint8_t *entry);
void ada_software_entry(uint8_t *entry);

typedef enum {
    ADA_STEP_DONE,      /* go on */
    ADA_STEP_WAIT,      /* come back for the same method later: a semaphore has not its value yet */
    ADA_STEP_IDLE,      /* nothing to do */
    ADA_STEP_ERROR,     /* the channel has been stopped */
} AdaStep;

#define ADA_CE_FIRST    0x100       /* methods below are the host's */
#define ADA_CE_LAST     0x7fc

/* a launched transfer; elements are bytes unless components are remapped */
typedef struct AdaTransfer {
    bool active, from_source;
    uint32_t launch;
    uint64_t src, dst;              /* of the current line */
    int64_t src_pitch, dst_pitch;
    uint32_t src_size, dst_size;    /* bytes of an element */
    uint64_t length, done;          /* elements of a line, of which done */
    uint64_t lines;                 /* left */
} AdaTransfer;

typedef struct AdaCe {
    uint32_t reg[(ADA_CE_LAST - ADA_CE_FIRST) / 4 + 1];     /* method data, as written last */
    AdaTransfer t;
} AdaCe;

struct AdaChannel {
    AdaState *gpu;
    const AdaEngine *engine;
    uint32_t gfid, chid;
    uint32_t client, handle, vaspace;       /* RM objects */
    bool phys_ce;               /* may use physical addresses */
    bool bound, enabled;        /* BIND, SCHEDULE */
    bool pending;               /* its doorbell rang and it has not run dry since */
    bool waiting, stopped;
    uint64_t userd;
    bool userd_sysmem;
    uint64_t gpfifo;
    uint32_t entries, get;      /* of the GPFIFO */
    uint64_t pb;                /* rest of the segment: address, dwords */
    uint32_t pb_left;
    uint32_t method, count, subchannel;     /* what the last header left to do, address in bytes */
    enum { ADA_INC, ADA_NON_INC, ADA_ONE_INC } mode;
    uint32_t class[8];          /* by subchannel */
    uint32_t host[ADA_CE_FIRST / 4];        /* method data, as written last */
    AdaCe ce;
};

struct AdaFifo {
    GPtrArray *channels;        /* of AdaChannel, which it owns */
    QEMUBH *work;
    QEMUTimer *timer;           /* looks at semaphores that are waited for */
    uint64_t created, doorbells, methods, swallowed, launches, bytes_copied, bytes_filled, semaphores, faults;
};

/* ---- ada-chan.c -------------------------------------------------------------------------------------------------- */

/* on behalf of RM; a channel starts disabled. @c is taken over */
void ada_chan_add(AdaState *s, AdaChannel *c);
void ada_chan_free(AdaChannel *c);
void ada_chan_enable(AdaChannel *c, bool on);
/* stops it as an error does; false: there is none that runs */
bool ada_chan_inject(AdaState *s, uint32_t gfid, uint32_t runlist, uint32_t chid, uint32_t xid);
const char *ada_chan_state(const AdaChannel *c);
/* what has its page directory: a VA space, or a client of a guest's; NULL: it is gone */
AdaObject *ada_chan_space(const AdaChannel *c);
AdaFunc *ada_chan_func(AdaChannel *c);

/* ADA_ZERO wants no buffer, and gives whole pages of framebuffer back to the host */
typedef enum { ADA_READ, ADA_WRITE, ADA_ZERO } AdaAccess;
/* physical memory as an engine reaches it: not in WPR2 */
bool ada_phys_access(AdaFunc *f, bool sysmem, uint64_t addr, void *buf, uint64_t len, AdaAccess how);
/* memory at a virtual address of the channel; false: it has faulted and is stopped */
bool ada_chan_access(AdaChannel *c, uint64_t va, void *buf, uint64_t len, AdaAccess how);
/* stores a semaphore's payload and, behind it, the time */
bool ada_chan_release(AdaChannel *c, uint64_t va, uint64_t payload, bool wide, bool timestamp);

/* the channel is stopped for good, GSP-RM tells the driver. Always ADA_STEP_ERROR */
#define ada_chan_error(c, check, ...)   ada_chan_failed(c, ADA_CHECK(check), __VA_ARGS__)
AdaStep ada_chan_failed(AdaChannel *c, const char *check, uint32_t xid, const char *fmt, ...) G_GNUC_PRINTF(4, 5);

/* ---- ada-ce.c ---------------------------------------------------------------------------------------------------- */

AdaStep ada_ce_method(AdaChannel *c, uint32_t method, uint32_t data);
AdaStep ada_ce_run(AdaChannel *c);      /* a bounded part of the transfer that is active */

/* ---- ada-rmchan.c ------------------------------------------------------------------------------------------------ */

/* the guest's driver is told, too (ada-guest.c) */
void ada_guest_rc(AdaVgpu *v, const AdaChannel *c, uint32_t xid);

typedef uint32_t AdaAlloc(AdaState *s, AdaObject *obj, uint8_t *p);     /* parameters, NV_STATUS */
AdaAlloc ada_rm_channel, ada_rm_copy_engine;
AdaControl ada_rm_device_info, ada_rm_fault_method_buffer, ada_rm_channel_bind, ada_rm_channel_schedule;

#endif
