/*
 * NVIDIA Ada GPU: a guest's driver and its plugin task, what their files share
 *
 *   ada-guest.c    set-up, agreement on a version, dispatch of RPCs, events
 *   ada-gstatic.c  the two large replies that a guest builds its picture of the GPU from
 *   ada-gobj.c     a guest's objects, its channels among them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_MISC_NVIDIA_ADA_GUEST_H
#define HW_MISC_NVIDIA_ADA_GUEST_H

#include "ada-chan.h"

/* versions of the protocol that layouts are known of; the second is also the newest of this host */
#define ADA_GUEST_25_1B     (0x25 << 16 | 0x1b)
#define ADA_GUEST_29_0C     (r570_VGX_MAJOR_VERSION_NUMBER << 16 | r570_VGX_MINOR_VERSION_NUMBER)
/* number of a member that is not at the same place in both */
#define ADA_GUEST(version, m)   ((version) == ADA_GUEST_29_0C ? r570_##m : r550_##m)

typedef struct AdaGuestCall {
    AdaFunc *f;
    AdaVgpu *v;
    uint8_t *p;             /* payload, as long as the function wants it; becomes the reply's */
    uint32_t len;           /* bytes of it that the message has, at least */
    uint32_t private;       /* result beside the result: of the agreement on a version */
} AdaGuestCall;

typedef uint32_t AdaGuestRun(AdaGuestCall *c);      /* NV_STATUS or NV_VGPU_MSG_RESULT */

/* vectors of the static table that the model itself raises */
#define ADA_GUEST_EVENT_VECTOR  r570_NV_CTRL_CPU_DOORBELL_VECTORID_VALUE_CONSTANT

/* ---- ada-gstatic.c ----------------------------------------------------------------------------------------------- */

AdaGuestRun ada_gstatic_data, ada_gstatic_graphics;
/* NV_VGPU_CONFIG_USM_TYPE_*: usmType of the response buffer */
enum { ADA_BRAND_DEFAULT, ADA_BRAND_NVS, ADA_BRAND_QUADRO, ADA_BRAND_GEFORCE, ADA_BRAND_COMPUTE };
uint32_t ada_gstatic_brand(AdaVgpu *v);

/* ---- ada-gobj.c -------------------------------------------------------------------------------------------------- */

AdaGuestRun ada_gobj_root, ada_gobj_device, ada_gobj_subdevice, ada_gobj_channel, ada_gobj_object, ada_gobj_event,
            ada_gobj_free, ada_gobj_zombie, ada_gobj_page_directory, ada_gobj_schedule, ada_gobj_promote,
            ada_gobj_control, ada_gobj_gpu_info, ada_gobj_fb_info, ada_gobj_nvlink;
void ada_gobj_clear(AdaVgpu *v);        /* of a guest that is not there any more */

/* ---- ada-guest.c ------------------------------------------------------------------------------------------------- */

typedef struct AdaGuestEvent {
    uint32_t client, object, index;     /* of the guest's */
    bool plugin;                        /* else the guest asked for it */
    uint32_t type, info32, info16, chid;
} AdaGuestEvent;

/* NV_VGPU_EV_FLAGS_TYPE */
enum { ADA_GUEST_EVENT_RC = 0, ADA_GUEST_EVENT_ECC = 5 };

/* words of the page that both see: NV_VGPU_SHARED_MEMORY_POINTER_* */
enum { ADA_SHARED_ECC_TYPE = 0x94, ADA_SHARED_ECC_UNIT = 0x98, ADA_SHARED_ECC_COUNT = 0x9c };

/* into the ring, with an interrupt; false: there is no ring, or no room */
bool ada_guest_event(AdaVgpu *v, const AdaGuestEvent *e);
bool ada_guest_shared(AdaVgpu *v, uint32_t off, uint32_t val);     /* a word of the page that both see */

/* ---- ada-debug.c: property fault-guest --------------------------------------------------------------------------- */

typedef enum {
    ADA_GUEST_OK, ADA_GUEST_CRASH, ADA_GUEST_CRASH_GSP, ADA_GUEST_HANG_GSP, ADA_GUEST_HOLD, ADA_GUEST_LOSE,
    /* of a call only */
    ADA_GUEST_REFUSE, ADA_GUEST_DROP, ADA_GUEST_CORRUPT,
} AdaGuestFault;
/* What becomes of the call that @v is about to serve, or the channel's doorbell? Counts it, then forgets the fault */
AdaGuestFault ada_fault_guest(AdaVgpu *v, bool doorbell);
/* false: the doorbell of a channel is not heard */
bool ada_guest_hears(AdaVgpu *v);

#endif
