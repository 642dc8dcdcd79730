/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * As much of Linux as the VBIOS parser needs, for a program in user space. Whoever builds it makes
 * an empty file for each header of Linux that the parser includes.
 */
#ifndef _VBIOS_KERNEL_H
#define _VBIOS_KERNEL_H

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16, __le16;
typedef uint32_t u32, __le32;
typedef uint64_t __le64, dma_addr_t;
typedef unsigned long long u64;

#define __packed			__attribute__((packed))
#define __printf(a, b)			__attribute__((format(printf, a, b)))
#define EXPORT_SYMBOL_IF_KUNIT(symbol)
#define S32_MAX				INT_MAX

#define BIT(n)				(1UL << (n))
#define GENMASK(h, l)			((~0UL << (l)) & (~0UL >> (63 - (h))))
#define FIELD_GET(mask, value)		((u32)(((value) & (mask)) >> __builtin_ctzl(mask)))
#define ARRAY_SIZE(array)		(sizeof(array) / sizeof((array)[0]))
#define ALIGN_DOWN(x, a)		((x) / (a) * (a))
#define ALIGN(x, a)			ALIGN_DOWN((x) + (a) - 1, a)
#define IS_ALIGNED(x, a)		(!((x) % (a)))
#define min(x, y)			((x) < (y) ? (x) : (y))
#define check_add_overflow(a, b, sum)	__builtin_add_overflow(a, b, sum)

#define cpu_to_le16(x)			htole16(x)
#define cpu_to_le32(x)			htole32(x)
#define le16_to_cpu(x)			le16toh(x)
#define le32_to_cpu(x)			le32toh(x)

static inline u32 get_unaligned_le32(const void *p)
{
	u32 value;

	memcpy(&value, p, sizeof(value));
	return le32toh(value);
}

static inline int fls(u32 x)
{
	return x ? 32 - __builtin_clz(x) : 0;
}

#define hweight32(x)			((u32)__builtin_popcount(x))

/* like the kernel's: what was written, without the end */
static inline int vscnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
	int len = vsnprintf(buf, size, fmt, args);

	return len < (int)size ? len : (int)size - 1;
}

#define scnprintf(buf, size, ...)	snprintf(buf, size, __VA_ARGS__)
#define strscpy(to, from)		snprintf(to, sizeof(to), "%s", from)

/* of the DMA API only what a header's inline functions name: none is called */
#define GFP_KERNEL			0
struct device;
void *dma_alloc_coherent(struct device *dev, size_t size, dma_addr_t *addr, int flags);
void dma_free_coherent(struct device *dev, size_t size, void *cpu, dma_addr_t addr);

#endif
