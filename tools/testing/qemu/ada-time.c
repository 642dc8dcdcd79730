/*
 * NVIDIA Ada GPU: how long things take
 *
 * By default as little as lets a driver see that it has to wait. With timing=real about as long as on boards, and where
 * a driver might rely on its luck, longer:
 *
 *   GFW takes 0.3 to 1.5 s after a reset, GSP-RM a second from its first message to INIT_DONE, replies 1 to 200 ms
 *   status bits are not what they will be at the first read, but at the second to fourth
 *   what the CPU writes to framebuffer through BAR1 or BAR3 arrives with the next read through them, with a flush by
 *   UFLUSH, or after 20 ms
 *   a signed program takes 1 to 60 ms, and reads its inputs at its start or at its end
 *
 * The numbers come of property timing-seed, the same after each reset of the PF.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/host-utils.h"
#include "ada.h"

#define LANDING_MS  20

static uint32_t ada_random(AdaState *s)
{
    /* xorshift32: never 0 */
    s->random ^= s->random << 13;
    s->random ^= s->random >> 17;
    s->random ^= s->random << 5;
    return s->random;
}

void ada_time_reset(AdaState *s)
{
    s->random = s->timing_seed * 2654435761u | 1;
    s->posted_count = 0;
    s->busy_flush = 0;
    timer_del(s->posted_timer);
}

uint32_t ada_time_ms(AdaState *s, uint32_t quick, uint32_t least, uint32_t most)
{
    uint32_t octave, octaves;

    if (!s->timing_real) {
        return quick;
    }
    /* each doubling is as likely as the next: most are short */
    octaves = 32 - clz32(most / least);
    g_assert(octaves);
    octave = least << ada_random(s) % octaves;
    return MIN(octave + ada_random(s) % octave, most);
}

bool ada_time_coin(AdaState *s)
{
    return s->timing_real && (ada_random(s) >> 16 & 1);
}

uint8_t ada_time_reads(AdaState *s)
{
    return s->timing_real ? 1 + ada_random(s) % 3 : 0;
}

bool ada_time_busy(uint8_t *reads)
{
    return *reads && (*reads)--;
}

/* ---- writes on their way to framebuffer -------------------------------------------------------------------------- */

void ada_posted_land(AdaState *s)
{
    for (unsigned int i = 0; i < s->posted_count; i++) {
        const AdaPosted *p = &s->posted[i];

        ada_gpa_write(&s->func, p->addr, p->data, p->size);
    }
    s->posted_count = 0;
    timer_del(s->posted_timer);
}

static void posted_timer(void *opaque)
{
    ada_posted_land(opaque);
}

void ada_posted_write(AdaState *s, uint64_t addr, const uint8_t *data, unsigned int size)
{
    AdaPosted *p;

    if (s->posted_count == ARRAY_SIZE(s->posted)) {
        ada_posted_land(s);
    }
    p = &s->posted[s->posted_count++];
    p->addr = addr;
    p->size = size;
    memcpy(p->data, data, size);
    timer_mod(s->posted_timer, qemu_clock_get_ms(QEMU_CLOCK_VIRTUAL) + LANDING_MS);
}

void ada_time_init(AdaState *s)
{
    s->posted_timer = timer_new_ms(QEMU_CLOCK_VIRTUAL, posted_timer, s);
    ada_time_reset(s);
}

void ada_time_exit(AdaState *s)
{
    timer_free(s->posted_timer);
    s->posted_timer = NULL;
}
