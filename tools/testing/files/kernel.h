/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * As much of Linux as what reads firmware and files of vGPU types needs, on top of what the VBIOS
 * parser needs. What is not pure computing is in file-parse.c.
 */
#ifndef _FILES_KERNEL_H
#define _FILES_KERNEL_H

#include "../vbios/kernel.h"

#include <ctype.h>
#include <stdlib.h>

typedef int64_t s64;
typedef int32_t s32;
typedef uint16_t __be16;

#define __iomem
#define __counted_by(member)
#define __counted_by_le(member)
#define __free(what)
#define MODULE_FIRMWARE(path)
#define IS_ENABLED(option)		0
#define static_assert			_Static_assert
#define BUILD_BUG_ON(condition)		((void)sizeof(char[1 - 2 * !!(condition)]))
#define SZ_4K				0x1000U
#define SZ_64K				0x10000U
#define SZ_128K				0x20000U
#define SZ_256K				0x40000U
#define SZ_1M				0x100000U
#define SZ_2M				0x200000U
#define SZ_32M				0x2000000U
#define SZ_128M				0x8000000U
#define SZ_512M				0x20000000U
#define SZ_1G				0x40000000U
#define SZ_2G				0x80000000U
#define PAGE_SIZE			4096UL
#define U8_MAX				UINT8_MAX
#define U16_MAX				UINT16_MAX
#define U32_MAX				UINT32_MAX
#define U64_MAX				UINT64_MAX
#define BIT_ULL(n)			(1ULL << (n))

#define max(x, y)			((x) > (y) ? (x) : (y))
#define min_t(type, x, y)		min((type)(x), (type)(y))
#define max_t(type, x, y)		max((type)(x), (type)(y))
#define min3(x, y, z)			min(min(x, y), z)
#define clamp(x, low, high)		min(max(x, low), high)
#define swap(a, b)			do { typeof(a) t = a; a = b; b = t; } while (0)
#define round_down(x, a)		((x) & ~((typeof(x))(a) - 1))
#define round_up(x, a)			round_down((x) + (typeof(x))(a) - 1, a)
#define DIV_ROUND_UP(x, y)		(((x) + (y) - 1) / (y))
#define DIV_ROUND_UP_ULL(x, y)		DIV_ROUND_UP((u64)(x), y)
#define FIELD_PREP(mask, value)		(((u64)(value) << __builtin_ctzll(mask)) & (mask))
#define upper_32_bits(x)		((u32)((u64)(x) >> 32))
#define lower_32_bits(x)		((u32)(x))
#define lower_16_bits(x)		((u16)(x))
#define upper_16_bits(x)		((u16)((x) >> 16))
#define sizeof_field(type, member)	sizeof(((type *)0)->member)
#define offsetofend(type, member)	(offsetof(type, member) + sizeof_field(type, member))
#define struct_size(p, member, n)	(sizeof(*(p)) + (n) * sizeof((p)->member[0]))
#define struct_size_t(type, member, n)	(sizeof(type) + (n) * sizeof_field(type, member[0]))
#define array_index_nospec(i, n)	((i) < (n) ? (i) : 0)
#define check_mul_overflow(a, b, out)	__builtin_mul_overflow(a, b, out)

#define cpu_to_le64(x)			htole64(x)
#define le64_to_cpu(x)			le64toh(x)

static inline u32 le32_to_cpup(const __le32 *p)
{
	return le32toh(*p);
}

static inline u64 div_u64(u64 x, u32 y)
{
	return x / y;
}

static inline u64 div64_u64(u64 x, u64 y)
{
	return x / y;
}

static inline bool is_power_of_2(u64 x)
{
	return x && !(x & (x - 1));
}

static inline int ilog2(u64 x)
{
	return 63 - __builtin_clzll(x);
}

static inline u64 rounddown_pow_of_two(u64 x)
{
	return 1ULL << ilog2(x);
}

static inline u64 roundup_pow_of_two(u64 x)
{
	return x > 1 ? 2ULL << ilog2(x - 1) : 1;
}

/* as the kernel's, of which the parsers use %*pE only, for text of others */
int kernel_vsnprintf(char *buf, size_t size, const char *fmt, va_list args);
int kernel_snprintf(char *buf, size_t size, const char *fmt, ...);

#undef strscpy
#define strscpy(to, from, ...) \
	snprintf(to, strscpy_size(to, ##__VA_ARGS__, sizeof(to)), "%s", from)
#define strscpy_size(to, size, ...)	(size)
#undef scnprintf
#define scnprintf			kernel_snprintf

struct device { int unused; };
struct pci_dev { struct device dev; };

u32 ioread32(const void *reg);
void iowrite32(u32 value, void *reg);
u32 crc32_le(u32 crc, const u8 *data, size_t size);

void dev_err(struct device *dev, const char *fmt, ...);
#define dev_warn			dev_err
#define dev_err_probe(dev, ret, ...)	(dev_err(dev, __VA_ARGS__), (ret))

struct firmware {
	size_t size;
	const u8 *data;
};

int firmware_request_nowarn(const struct firmware **fw, const char *name, struct device *dev);
void release_firmware(const struct firmware *fw);

void *kvmemdup(const void *data, size_t size, int flags);
void kvfree(const void *data);
int devm_add_action_or_reset(struct device *dev, void (*action)(void *), void *data);
void devm_release_action(struct device *dev, void (*action)(void *), void *data);

/* elf.h of the C library has the same numbers and other names of the structures */
#define ELFMAG				"\177ELF"
#define SELFMAG				4
#define EI_CLASS			4
#define EI_DATA				5
#define ELFCLASS64			2
#define ELFDATA2LSB			1

struct elf64_hdr {
	u8 e_ident[16];
	u16 e_type, e_machine;
	u32 e_version;
	u64 e_entry, e_phoff, e_shoff;
	u32 e_flags;
	u16 e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx;
};

struct elf64_shdr {
	u32 sh_name, sh_type;
	u64 sh_flags, sh_addr, sh_offset, sh_size;
	u32 sh_link, sh_info;
	u64 sh_addralign, sh_entsize;
};

#endif
