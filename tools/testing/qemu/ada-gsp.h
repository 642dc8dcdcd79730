/*
 * NVIDIA Ada GPU: GSP-RM of the model, what its files share
 *
 * Every layout comes from NVIDIA's own headers by way of ada-abi.h (r535_ and r570_ names, by release).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_MISC_NVIDIA_ADA_GSP_H
#define HW_MISC_NVIDIA_ADA_GSP_H

#include "ada.h"
#include "ada-abi.h"
#include "block/aio.h"
#include "qobject/qdict.h"

/* offset of a member (a.b written a__b), size of a structure, constant: in the release that booted */
#define ADA_OFF(fw, s, m)   ((fw) == ADA_FW_570 ? r570_##s##__##m : r535_##s##__##m)
#define ADA_SIZE(fw, s)     ((fw) == ADA_FW_570 ? r570_##s##__SIZE : r535_##s##__SIZE)
#define ADA_CONST(fw, c)    ((fw) == ADA_FW_570 ? r570_##c : r535_##c)

/* what both releases share is named once */
#define RPC_HDR             r570_rpc_message_header_v03_00__SIZE
#define RPC_OFF(m)          r570_rpc_message_header_v03_00__##m
#define RPC_MAX             r570_GSP_MSG_QUEUE_RPC_SIZE_MAX
#define RPC_FN(name)        r570_NV_VGPU_MSG_FUNCTION_##name
#define RPC_EVENT(name)     r570_NV_VGPU_MSG_EVENT_##name
#define NV(status)          r570_NV_##status

/* ---- the message queues (ada-gsp.c) ------------------------------------------------------------------------------ */

typedef enum {
    ADA_GSP_OFF,            /* no firmware */
    ADA_GSP_STARTING,       /* booter_load let it go, its start is scheduled */
    ADA_GSP_RUNNING,        /* queues linked */
    ADA_GSP_SUSPENDED,      /* has asked for a reset of its core, and has got it */
    ADA_GSP_UNLOADED,       /* said goodbye after RPC 47 */
    ADA_GSP_DEAD,           /* RISC-V halted, or silent by fault injection */
} AdaGspState;

typedef enum { ADA_SEQ_SEEN, ADA_SEQ_EMPTY, ADA_SEQ_REGISTERS, ADA_SEQ_RESUME } AdaSequencer;

typedef struct AdaOut {     /* one message of at most RPC_MAX bytes that waits for room in the status queue */
    uint8_t *rpc;
    uint32_t len;
    int64_t due;            /* fault injection: not before this time */
    bool corrupt;           /* fault injection: break it behind its checksum's back */
    bool event;             /* interrupts */
} AdaOut;

typedef struct AdaQueues {
    uint64_t *page;         /* bus address of each page of the shared memory */
    uint32_t pages;
    uint64_t cmd, stat;     /* offsets in it */
    uint32_t cmd_count, stat_count, cmd_entry, stat_entry, cmd_rx, stat_rx;
    uint32_t cmd_read, stat_write;
    uint32_t cmd_seq, stat_seq;
} AdaQueues;

/* ---- RM objects (ada-rm.c) --------------------------------------------------------------------------------------- */

typedef struct AdaObject {
    uint32_t client, handle, parent, class;
    uint64_t page_directory;        /* of a VA space, as SET_PAGE_DIRECTORY gave it; of a guest's client */
    bool page_directory_sysmem;
    AdaChannel *channel;            /* of a channel */
    uint32_t event_client, event_object, event_index;       /* of a guest's event: what it is about */
} AdaObject;

/* handles that GSP-RM reports as its own */
typedef struct AdaHandles { uint32_t client, device, subdevice; } AdaHandles;

AdaHandles ada_rm_handles(AdaState *s);

/* ---- vGPUs (ada-vgpu.c, ada-guest.c) ----------------------------------------------------------------------------- */

typedef enum {
    ADA_VGPU_FREE,
    ADA_VGPU_BOOTING,       /* BOOTLOAD accepted, the plugin task is not up yet */
    ADA_VGPU_READY,         /* ready marker stored */
    ADA_VGPU_NEGOTIATED,    /* message 1 */
    ADA_VGPU_RUNNING,       /* message 2: configured */
    ADA_VGPU_CRASHED,       /* fault injection */
    ADA_VGPU_SHUTDOWN,      /* task gone, resources not yet */
} AdaVgpuState;

typedef struct AdaGuestRpc {        /* what the guest driver's set-up request told */
    bool up;
    uint64_t ctrl, response, message, shared, events;       /* address words */
    uint32_t request;               /* last request answered */
    uint32_t version;               /* of RPCs, major << 16 | minor, 0 = not agreed upon */
    uint32_t put;                   /* in the ring of events */
    bool leaving;                   /* it said that it is unloaded */
    uint32_t count, last_function;
    bool ring_setup, ring_message;  /* doorbells not yet seen to */
    bool held;                      /* by fault-guest: they are not */
} AdaGuestRpc;

/* a guest as GSP-RM tells of it */
#define ADA_UTIL_ENGINES    4   /* memory, graphics, encoder, decoder */
#define ADA_SAMPLES         72
#define ADA_LICENSED        5   /* assumption LICENSE: counted as NVML counts */

typedef struct AdaGuestInfo {
    bool loaded;                    /* its driver */
    uint32_t os, license;
    uint64_t fb_used;
    char version[r570_NVA081_VGPU_STRING_BUFFER_SIZE], branch[r570_NVA081_VGPU_STRING_BUFFER_SIZE];
    uint32_t util[ADA_UTIL_ENGINES];        /* 1/100 % */
} AdaGuestInfo;

typedef struct AdaSample {
    uint64_t time;
    uint32_t pid, util[ADA_UTIL_ENGINES];
} AdaSample;

typedef struct AdaVgpu {
    AdaState *gpu;
    AdaVgpuState state;
    uint32_t gfid, dbdf, type;
    AdaSegment *seg;
    unsigned int segs;
    uint64_t heap, heap_len, ctrl;  /* ctrl: the control region, offset in the heap */
    uint64_t mig_heap, mig_heap_len;
    uint32_t chid[r570_NV2080_GPU_MAX_ENGINES];
    uint32_t channels;              /* per engine; 0 = not told yet */
    uint32_t seq;                   /* last plugin message processed */
    bool bus_master;                /* message 13 */
    QEMUTimer *timer;               /* the plugin task takes its time */
    uint8_t uuid[16];               /* message 2 */
    uint32_t vm_pid;                /* the same message */
    AdaGuestInfo info;
    AdaGuestRpc guest;
    uint32_t calls;                 /* of its guests since BOOTLOAD: set-up, teardown, RPC */
    GHashTable *objects;            /* client << 32 | handle: AdaObject, of the guest; NULL: none yet */
} AdaVgpu;

typedef struct AdaVgpuType {        /* as the host added it */
    uint32_t type;
    char name[r570_NVA081_CTRL_VGPU_INFO__adapterName_SZ + 1];      /* what a guest calls its GPU */
    char class[r570_NVA081_CTRL_VGPU_INFO__vgpuClass_SZ + 1];
    bool cuda;
} AdaVgpuType;

#define ADA_LOGS            3   /* LOGINIT, LOGINTR, LOGRM */
#define ADA_MAX_FB_REGIONS  8

typedef struct AdaFbRegion {
    uint64_t base, size;
    bool reserved;              /* GSP-RM's */
    bool graphics;              /* may hold what is compressed, and what the display shows */
} AdaFbRegion;

typedef struct AdaAccount {
    uint64_t gfids, segments, fb_bytes, channels, heaps, heap_bytes, rm_clients, rm_objects;
    uint64_t guest_clients, guest_objects, guest_channels;
} AdaAccount;

/* ---- all of it --------------------------------------------------------------------------------------------------- */

struct AdaGsp {
    AdaGspState state;
    AdaFwVersion fw;
    uint64_t libos_args, log[ADA_LOGS];     /* bus addresses */
    AdaSequencer seq;       /* what was sent */
    bool seq_sent, seq_ran, resumed;
    int64_t start_at, init_at, stop_at;     /* 0 = not scheduled */
    QEMUTimer *timer;
    QEMUBH *work;

    AdaQueues q;
    GQueue out;             /* of AdaOut */
    GByteArray *large;      /* a command that goes on in CONTINUATION_RECORDs */
    uint32_t large_len;     /* its whole length */

    bool have_system_info, have_registry, init_done, unloading;
    bool sriov_mode;        /* RMSetSriovMode */
    bool locked_down;       /* its registers answer with errors, */
    int64_t lockdown_known; /* and from here on the CPU has no excuse for touching them */
    struct {                /* gspVFInfo of SET_SYSTEM_INFO */
        uint32_t total, first;
        uint64_t bar[3];
        bool wide[3];
    } vf;
    AdaFbRegion region[ADA_MAX_FB_REGIONS];     /* of the framebuffer, from its start to its end */
    unsigned int regions;

    GHashTable *objects;    /* client << 32 | handle: AdaObject */

    AdaVgpuType types[r570_NVA081_MAX_VGPU_TYPES_PER_PGPU];
    unsigned int num_types;
    AdaVgpu vgpu[ADA_MAX_GFID + 1];
    int64_t tell_use_at;    /* 0 = not scheduled */
    AdaSample sample[ADA_SAMPLES];
    unsigned int samples, oldest_sample;

    AdaAccount now, peak;
};

/* a reply or an event: takes a copy and splits it; it waits for room. Lost only by a fault, or when GSP-RM stops */
void ada_gsp_send(AdaState *s, uint8_t *rpc, uint32_t len, uint32_t control);
void ada_gsp_event(AdaState *s, uint32_t function, const void *payload, uint32_t len);
void ada_gsp_die(AdaState *s);

/*
 * One command: @msg is RPC header and payload in host memory, at least RPC_HDR long; may grow it. Executed and turned
 * into its reply; false when there is none
 */
bool ada_rpc_execute(AdaState *s, GByteArray *msg);
uint32_t ada_rpc_control(const GByteArray *msg);     /* command of a control, else 0 */
bool ada_rpc_silent(uint32_t function);              /* has no reply */
/* how long the whole command is, from what its first element says */
uint64_t ada_rpc_full_length(const uint8_t *rpc, uint32_t len);
uint32_t ada_gsp_set_system_info(AdaState *s, uint8_t *p, uint32_t len);
uint32_t ada_gsp_set_registry(AdaState *s, uint8_t *p, uint32_t len);
uint32_t ada_gsp_unloading(AdaState *s, uint8_t *p, uint32_t len);

void ada_rm_init(AdaState *s);
void ada_rm_exit(AdaState *s);
bool ada_rm_start(AdaState *s);         /* GSP-RM comes up: internal objects, reserved framebuffer */
/* is all of it in one region that is the driver's? */
bool ada_fb_usable(AdaState *s, uint64_t addr, uint64_t len);
AdaObject *ada_rm_object(AdaState *s, uint32_t client, uint32_t handle);
/* tables of objects: GSP-RM's own, and a guest's. NULL has none */
GHashTable *ada_objects_new(void);
AdaObject *ada_object_find(GHashTable *objects, uint32_t client, uint32_t handle);
AdaObject *ada_object_add(GHashTable *objects, uint32_t client, uint32_t parent, uint32_t handle, uint32_t class);
void ada_object_free(GHashTable *objects, AdaObject *o);    /* and all below it */
bool ada_object_child_of_class(GHashTable *objects, uint32_t client, uint32_t handle, uint32_t class);
/* does a channel of engine @type have one of these ids? */
bool ada_chid_used(AdaState *s, uint32_t type, uint32_t first, uint32_t count);
/* a control; @p is as long as the ABI says. NV_STATUS */
typedef uint32_t AdaControl(AdaState *s, AdaObject *obj, uint8_t *p);

AdaControl ada_vgpu_bootload, ada_vgpu_shutdown, ada_vgpu_cleanup, ada_vgpu_add_types, ada_vgpu_mgr_config,
           ada_vgpu_heterogeneous, ada_vgpu_clear_vm_info, ada_vgpu_spa_for_gpa, ada_vgpu_enumerate,
           ada_vgpu_host_reserved_fb;
void ada_vgpu_init(AdaState *s);
void ada_vgpu_exit(AdaState *s);
void ada_vgpu_stop_all(AdaState *s);
bool ada_vgpu_crash(AdaState *s, uint32_t gfid);
bool ada_vgpu_live(AdaState *s, uint32_t gfid);     /* between BOOTLOAD and CLEANUP */
const char *ada_vgpu_state_name(AdaVgpuState state);
const AdaVgpuType *ada_vgpu_type(AdaVgpu *v);       /* of a vGPU that is configured */
uint64_t ada_vgpu_fb_bytes(AdaVgpu *v);             /* of its guest physical framebuffer */
void ada_guest_reset(AdaVgpu *v);       /* its guest has not been there */
void ada_guest_work(AdaState *s);       /* guests' doorbells */

/* ---- what is told of vGPUs (ada-monitor.c) ----------------------------------------------------------------------- */

void ada_vgpu_notify(AdaVgpu *v, uint32_t index);       /* NVA084_NOTIFIERS_EVENT_* */
/* these say so by an event if it was different */
void ada_monitor_driver(AdaVgpu *v, bool loaded);
void ada_monitor_os(AdaVgpu *v, uint32_t os);
void ada_monitor_license(AdaVgpu *v, uint32_t state);
void ada_monitor_tell_use(AdaState *s);

/* ---- debug ------------------------------------------------------------------------------------------------------- */

void ada_account(AdaState *s);          /* something was taken or given back */

typedef enum {
    ADA_FAULT_NONE, ADA_FAULT_DROP, ADA_FAULT_DELAY, ADA_FAULT_DUPLICATE, ADA_FAULT_CORRUPT, ADA_FAULT_WORD,
    /* before it is carried out */
    ADA_FAULT_REFUSE, ADA_FAULT_LOSE, ADA_FAULT_CRASH, ADA_FAULT_HANG,
} AdaFaultKind;
/*
 * Is fault-message meant for this one? Counts it, then forgets the fault. @request: before execution, from "refuse" on;
 * otherwise on its way out, where the others apply. @arg: milliseconds or NV_STATUS; of a word its offset
 * behind the header, and its value
 */
AdaFaultKind ada_fault_message(AdaState *s, bool request, uint32_t function, uint32_t control, uint32_t arg[2]);
/* the same of fault-plugin; @arg: milliseconds or result code */
AdaFaultKind ada_fault_plugin(AdaVgpu *v, uint32_t *arg);

/* ---- the CPU sequencer (ada-seq.c) ------------------------------------------------------------------------------- */

bool ada_seq_parse(const char *name, uint32_t *program, Error **errp);
const char *ada_seq_name(uint32_t program);
void ada_seq_send(AdaState *s);
bool ada_seq_done(AdaState *s);     /* has the driver done it? False as well when GSP-RM died of what it did */

#endif
