// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the driver does with files from outside, in user space, for a build with ASan and UBSan.
 *
 *	file-parse firmware N FOLDER	N damaged variants of GSP-RM's five files
 *	file-parse types N FILE...	and of files of vGPU types
 *
 * First each file is cut at every border of a structure and one byte beside it, each word of the
 * first structures gets all values that are at an edge, and texts run on. The rest of N is chance.
 * What the driver takes is used as it would use it; what it refuses has to come with a reason.
 */
#include <sanitizer/asan_interface.h>
#include <unistd.h>
#include <zlib.h>

#include "boot/firmware.h"
#include "boot/hs.h"
#include "fwabi/fwabi.h"
#include "fwabi/r570_144/vgpu.h"
#include "regs/fuse.h"
#include "regs/gpu.h"
#include "vgpu/placement.h"
#include "vgpu/typefile.h"
#include "vgpu/types.h"

/* ---- files, one of which is damaged ---------------------------------------------------------- */

#define MAX_FILES	8
#define MAX_HOT		512
#define MAX_EDGES	12

struct file {
	char *name;		/* the end of its path */
	u8 *data;
	size_t size, cut;	/* as it is, and as the driver sees it */
	u32 hot[MAX_HOT];	/* where structures begin or end */
	unsigned int num_hot;
};

static struct file files[MAX_FILES];
static unsigned int num_files;
static bool crc_is_right;
static char said[4096];		/* since it was last cleared */

static void die(const char *what, const char *name)
{
	fprintf(stderr, "file-parse: %s: %s\n", name, what);
	exit(2);
}

static void load(const char *path, const char *name)
{
	struct file *f = &files[num_files++];
	FILE *in = fopen(path, "rb");

	if (num_files > MAX_FILES || !in || fseek(in, 0, SEEK_END))
		die(strerror(errno), path);
	f->name = strdup(name);
	f->size = ftell(in);
	f->cut = f->size;
	rewind(in);
	/* whole shadow bytes behind the end, so that any end can be poisoned */
	f->data = aligned_alloc(16, ALIGN(f->size, 16));
	if (!f->data || fread(f->data, 1, f->size, in) != f->size)
		die("not read", path);
	fclose(in);
}

/* nothing behind @size is there for anybody */
static void cut_off(struct file *f, size_t size)
{
	ASAN_UNPOISON_MEMORY_REGION(f->data, ALIGN(f->size, 16));
	f->cut = size;
	ASAN_POISON_MEMORY_REGION(f->data + size, ALIGN(f->size, 16) - size);
}

/* ---- what the driver calls of Linux ---------------------------------------------------------- */

int kernel_vsnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
	char plain[256], *p;
	int len;

	/* text of so many bytes; which of them are printable is Linux's part */
	snprintf(plain, sizeof(plain), "%s", fmt);
	while ((p = strstr(plain, "%*pE"))) {
		memmove(p + 4, p + 4, strlen(p + 4) + 1);
		memcpy(p, "%.*s", 4);
	}
	len = vsnprintf(buf, size, plain, args);
	return len < (int)size ? len : (int)size - 1;
}

int kernel_snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = kernel_vsnprintf(buf, size, fmt, args);
	va_end(args);
	return len;
}

void dev_err(struct device *dev, const char *fmt, ...)
{
	size_t len = strlen(said);
	va_list args;

	va_start(args, fmt);
	kernel_vsnprintf(said + len, sizeof(said) - len, fmt, args);
	va_end(args);
}

u32 crc32_le(u32 crc, const u8 *data, size_t size)
{
	/* a file with a CRC that fits is what somebody would make who wants to be read */
	if (crc_is_right)
		return get_unaligned_le32(data - NVGPU_TYPEFILE_CRC_START +
					  offsetof(struct nvgpu_typefile_header, crc));
	return ~crc32(~crc, data, size);
}

int firmware_request_nowarn(const struct firmware **fw, const char *name, struct device *dev)
{
	struct firmware *got;
	unsigned int i;

	for (i = 0; i < num_files; i++) {
		if (!strstr(name, files[i].name))
			continue;
		got = malloc(sizeof(*got));
		*got = (struct firmware){ .size = files[i].cut, .data = files[i].data };
		*fw = got;
		return 0;
	}
	return -ENOENT;
}

void release_firmware(const struct firmware *fw)
{
	free((void *)fw);
}

/* no copy: nobody writes to it, and what is behind the end is poisoned in the original */
void *kvmemdup(const void *data, size_t size, int flags)
{
	return (void *)data;
}

void kvfree(const void *data)
{
}

int devm_add_action_or_reset(struct device *dev, void (*action)(void *), void *data)
{
	return 0;
}

void devm_release_action(struct device *dev, void (*action)(void *), void *data)
{
	action(data);
}

void *dma_alloc_coherent(struct device *dev, size_t size, dma_addr_t *addr, int flags)
{
	/* what a machine has not got */
	if (size > 1UL << 30)
		return NULL;
	*addr = 0x1000000;
	return calloc(1, size ?: 1);
}

void dma_free_coherent(struct device *dev, size_t size, void *cpu, dma_addr_t addr)
{
	free(cpu);
}

static u32 fuse;

int nvgpu_falcon_fuse(const struct nvgpu_falcon *falcon, u32 reg, u32 *version)
{
	if (reg < NVGPU_FUSE_SEC2_UCODE_VERSION(1) ||
	    reg > NVGPU_FUSE_SEC2_UCODE_VERSION(NVGPU_FUSE_UCODES))
		abort();
	*version = fuse;
	return 0;
}

int nvgpu_falcon_run(const struct nvgpu_falcon *falcon, const struct nvgpu_falcon_image *image,
		     u64 argument, u32 *result)
{
	abort();
}

u32 ioread32(const void *reg)
{
	abort();
}

void iowrite32(u32 value, void *reg)
{
	abort();
}

/* ---- what the driver does with them ---------------------------------------------------------- */

static struct device *dev;
static unsigned char sink;

/* the first and the last byte, and some between */
static void touch(const u8 *data, u64 size)
{
	u64 at;

	for (at = 0; at < size; at += size / 4 + 1)
		sink ^= data[at];
	if (size)
		sink ^= data[size - 1];
}

/* a program for SEC2, with each fuse that a board could have */
static void use_hs(const struct nvgpu_fw_hs *fw)
{
	static const u32 fuses[] = { 0, 1, 3, 0xffff };
	struct pci_dev pdev = {};
	struct nvgpu_gpu gpu = { .pdev = &pdev };
	const struct nvgpu_falcon falcon = { .gpu = &gpu, .name = "sec2" };
	struct nvgpu_hs hs;
	unsigned int i;

	touch(fw->sigs, (u64)fw->sig_size * fw->num_sigs);
	for (i = 0; i < ARRAY_SIZE(fuses); i++) {
		fuse = fuses[i];
		memset(&hs, 0, sizeof(hs));
		if (nvgpu_hs_init(&hs, &falcon, "test", fw))
			continue;
		/* whole blocks of both are transferred */
		touch((u8 *)hs.mem.cpu + hs.image.code, ALIGN(hs.image.code_size, 256UL));
		touch((u8 *)hs.mem.cpu + hs.image.data, ALIGN(hs.image.data_size, 256UL));
		nvgpu_hs_fini(&hs);
	}
}

static int use_firmware(void)
{
	struct nvgpu_firmware fw = {};
	int ret = nvgpu_firmware_get(dev, &fw);

	if (ret)
		return ret;
	touch(fw.gsp.image, fw.gsp.image_size);
	touch(fw.gsp.signature, fw.gsp.signature_size);
	touch(fw.bootloader.data, fw.bootloader.size);
	if (fw.bootloader.code > fw.bootloader.size || fw.bootloader.code_data > fw.bootloader.size ||
	    fw.bootloader.manifest > fw.bootloader.size)
		die("a part of the bootloader begins outside of it", "bootloader");
	use_hs(&fw.booter_load);
	use_hs(&fw.booter_unload);
	use_hs(&fw.scrubber);
	nvgpu_firmware_put(&fw);
	return 0;
}

static const struct nvgpu_geometry geo = {
	.fb_start = SZ_128M, .fb_total = 46068ULL * SZ_1M, .segment = SZ_128M, .num_chids = 2048,
};

static const struct nvgpu_typefile_board board = {
	.device = 0x26b5, .gib = 48, .bar1_size = SZ_2G, .geo = &geo,
};

static u64 fb_end;

/* bits for the region of a board that provision.c has */
#define MAX_SLOTS	128

static void use_place(const struct nvgpu_placement *place, const struct nvgpu_type *type,
		      bool mixed)
{
	if ((u64)place->id + type->profile_size / SZ_1G > MAX_SLOTS)
		die("a placement id is outside of the region", type->name);
	/*
	 * Where the type that has the whole GPU has little framebuffer, places of others end outside
	 * of its part. nvgpu_fbmem_reserve() refuses them, and nvgpu_chids_reserve() channels.
	 */
	if (!mixed && (place->fb_start < geo.fb_start || place->fb_start + place->fb_size > fb_end ||
		       place->chid_start + place->num_chids > geo.num_chids))
		die("a vGPU lies outside of the GPU", type->name);
}

static void use_type(const struct nvgpu_type *type, const struct nvgpu_mixed *mixed)
{
	const struct nvgpu_fwabi *abi = &nvgpu_fwabi_r570_144;
	const struct nvgpu_abi_vgpu_info *info = type->info;
	struct nvgpu_placement place;
	unsigned int i;
	u8 *msg;

	if (strlen(type->name) >= sizeof(info->name) ||
	    strlen(type->class_name) >= sizeof(info->class_name) ||
	    strlen(type->license) >= sizeof(info->license))
		die("a text does not end where its field does", type->name);
	/* no larger than what the record takes, so that one byte more is seen */
	msg = calloc(1, abi->type_file.info_offset + abi->type_file.info_size);
	abi->encode_add_types(msg, type, 1);
	free(msg);
	for (i = 0; i < type->max_instance; i++)
		if (!nvgpu_place_homogeneous(&geo, type, i, &place))
			use_place(&place, type, false);
	for (i = 0; mixed && i < nvgpu_mixed_places(type); i++)
		if (!nvgpu_place_mixed(&geo, mixed, type, i, &place))
			use_place(&place, type, true);
}

static int use_types(void)
{
	struct nvgpu_type types[NVGPU_MAX_TYPES];
	struct nvgpu_mixed mixed;
	int num, i, ret;

	num = nvgpu_typefile_load(dev, &nvgpu_fwabi_r570_144, &board, types);
	if (num <= 0)
		return -EINVAL;
	fb_end = geo.fb_start + round_up(geo.fb_total, 8 * geo.segment);
	ret = nvgpu_mixed_init(&mixed, &geo, types, num);
	for (i = 0; i < num; i++)
		use_type(&types[i], ret ? NULL : &mixed);
	return 0;
}

static int (*use)(void);
static unsigned long taken, refused;

static void try(const struct file *f)
{
	said[0] = 0;
	if (!use())
		taken++;
	else if (said[0] && said[strlen(said) - 1] == '\n')
		refused++;
	else
		die("refused without a line that says why", f->name);
}

/* ---- where structures are -------------------------------------------------------------------- */

static void hot(struct file *f, u64 at)
{
	unsigned int i;

	for (i = 0; i < f->num_hot; i++)
		if (f->hot[i] == at)
			return;
	if (at <= f->size && f->num_hot < MAX_HOT)
		f->hot[f->num_hot++] = at;
}

static u32 word(const struct file *f, u32 at)
{
	return get_unaligned_le32(f->data + at);
}

static u64 quad(const struct file *f, u32 at)
{
	return word(f, at) | (u64)word(f, at + 4) << 32;
}

/* the file header, and of what is behind it */
static void find_bin(struct file *f, bool hs)
{
	u32 header = word(f, 12), data = word(f, 16), i;

	hot(f, 0);
	hot(f, sizeof(struct nvgpu_fw_bin));
	hot(f, header);
	hot(f, header + (hs ? sizeof(struct nvgpu_fw_hs_header) :
			      sizeof(struct nvgpu_fw_riscv_desc)));
	hot(f, data);
	hot(f, data + word(f, 20));
	if (hs) {
		/* all but the sizes are offsets of something */
		for (i = 0; i < sizeof(struct nvgpu_fw_hs_header) / 4; i++)
			hot(f, word(f, header + 4 * i));
		hot(f, word(f, header) + word(f, header + 4));
	} else {
		for (i = 8; i < sizeof(struct nvgpu_fw_riscv_desc) / 4; i += 2) {
			hot(f, data + word(f, header + 4 * i));
			hot(f, (u64)data + word(f, header + 4 * i) + word(f, header + 4 * i + 4));
		}
	}
	hot(f, f->size);
}

static void find_elf(struct file *f)
{
	const struct elf64_hdr *ehdr = (void *)f->data;
	const struct elf64_shdr *s = (void *)(f->data + ehdr->e_shoff);
	unsigned int i;

	hot(f, 0);
	hot(f, sizeof(*ehdr));
	for (i = 0; i < ehdr->e_shnum; i++) {
		hot(f, ehdr->e_shoff + i * sizeof(*s));
		hot(f, s[i].sh_offset);
		hot(f, s[i].sh_offset + s[i].sh_size);
	}
	hot(f, f->size);
}

static void find_types(struct file *f)
{
	const struct nvgpu_type_file *layout = &nvgpu_fwabi_r570_144.type_file;
	u64 at = sizeof(struct nvgpu_typefile_header), blob, params, i, num;

	hot(f, 0);
	for (blob = quad(f, at - 8); blob; blob--) {
		hot(f, at);
		hot(f, at + sizeof(struct nvgpu_typefile_blob));
		params = at + sizeof(struct nvgpu_typefile_blob);
		num = quad(f, params + 32);
		hot(f, params + sizeof(struct nvgpu_typefile_types));
		params += sizeof(struct nvgpu_typefile_types) + quad(f, params + 24);
		hot(f, params);
		for (i = 0; i <= num; i++)
			hot(f, params + layout->info_offset + i * layout->info_size);
		at += quad(f, at + 8);
	}
	hot(f, f->size);
}

static void find_hot(struct file *f)
{
	if (use == use_types)
		find_types(f);
	else if (strstr(f->name, "gsp"))
		find_elf(f);
	else
		find_bin(f, !strstr(f->name, "bootloader"));
}

/* ---- damage ---------------------------------------------------------------------------------- */

/* what of a structure is damaged: a record of a type has its numbers behind its texts */
static u32 span = 128;

static u32 seed;

static u32 draw(u32 below)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return below ? seed % below : 0;
}

/* @size bytes of a word at @at; undone by who has the old value */
static u64 put(struct file *f, u64 at, unsigned int size, u64 value)
{
	u64 was = 0;

	memcpy(&was, f->data + at, size);
	memcpy(f->data + at, &value, size);
	return was;
}

static void try_cuts(struct file *f)
{
	unsigned int i;
	int beside;

	for (i = 0; i < f->num_hot; i++)
		for (beside = -1; beside <= 1; beside++) {
			if ((s64)f->hot[i] + beside < 0 || f->hot[i] + beside > f->size)
				continue;
			cut_off(f, f->hot[i] + beside);
			try(f);
		}
	cut_off(f, f->size);
}

/* words of a structure that begins at @at */
static void try_edges(struct file *f, u32 at)
{
	const u64 edges[] = {
		0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
		0xffffff00, f->size - 1, f->size, f->size + 1, f->size - at, ~0ULL, ~0ULL << 8,
		1ULL << 63, (1ULL << 63) - 1, 1ULL << 32,
	};
	unsigned int size, i;
	u64 was;
	u32 w;

	for (w = at; w < at + span; w += 4)
		for (size = 4; size <= 8; size += 4)
			for (i = 0; i < ARRAY_SIZE(edges); i++) {
				if ((u64)w + size > f->size || (size == 4 && edges[i] >> 32))
					continue;
				was = put(f, w, size, edges[i]);
				try(f);
				put(f, w, size, was);
			}
}

/* text that does not end where it should */
static void try_runs(struct file *f, u32 at)
{
	u8 was[256];
	u32 w;

	for (w = at; w < at + span && (u64)w + sizeof(was) <= f->size; w += 16) {
		memcpy(was, f->data + w, sizeof(was));
		memset(f->data + w, 'A', sizeof(was) >> draw(4));
		try(f);
		memcpy(f->data + w, was, sizeof(was));
	}
}

static void try_one(struct file *f)
{
	u64 was[6], value;
	u32 at[6];
	unsigned int n = 1 + draw(6), i, num = 0;

	for (i = 0; i < n; i++) {
		at[num] = draw(8) ? f->hot[draw(f->num_hot)] + draw(span) : draw(f->size);
		if ((u64)at[num] + 1 > f->size)
			continue;
		was[num] = f->data[at[num]];
		value = draw(2) ? was[num] ^ 1 << draw(8) : draw(256);
		put(f, at[num++], 1, value);
	}
	if (!draw(16))
		cut_off(f, draw(f->size));
	try(f);
	if (f->cut != f->size)
		cut_off(f, f->size);
	while (num) {
		num--;
		put(f, at[num], 1, was[num]);
	}
}

static void damage(unsigned long runs)
{
	unsigned long cuts = 0, edges = 0, n;
	unsigned int i;
	struct file *f;

	for (f = files; f < files + num_files; f++) {
		find_hot(f);
		n = taken + refused;
		try_cuts(f);
		cuts += taken + refused - n;
	}
	crc_is_right = true;
	for (f = files; f < files + num_files; f++) {
		n = taken + refused;
		/* of the many sections and records the first ones */
		for (i = 0; i < f->num_hot && i < MAX_EDGES; i++)
			try_edges(f, f->hot[i]);
		for (i = 0; i < f->num_hot; i++)
			try_runs(f, f->hot[i]);
		edges += taken + refused - n;
	}
	for (n = cuts + edges; n < runs; n++) {
		crc_is_right = draw(16);
		try_one(&files[draw(num_files)]);
	}
	printf("%lu variants of %u files, %lu cut at a border, %lu with a word at an edge or a text that"
	       " runs on: %lu taken, %lu refused\n",
	       taken + refused, num_files, cuts, edges, taken, refused);
}

static void load_firmware(const char *folder)
{
	static const char * const names[] = {
		"gsp-570", "bootloader-570", "booter_load-570", "booter_unload-570", "scrubber-570",
	};
	char path[512];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s.144.bin", folder, names[i]);
		load(path, names[i]);
	}
}

int main(int argc, char **argv)
{
	int i;

	if (argc < 4)
		die("usage: file-parse firmware N FOLDER | types N FILE...", "arguments");
	if (!strcmp(argv[1], "firmware")) {
		use = use_firmware;
		load_firmware(argv[3]);
	} else {
		use = use_types;
		span = 512;
		for (i = 3; i < argc; i++)
			load(argv[i], "vgpu-570");
	}
	/* xorshift stops at 0 */
	seed = (getenv("BENCH_SEED") ? crc32(0, (void *)getenv("BENCH_SEED"),
					     strlen(getenv("BENCH_SEED"))) : 0) ?: 0x5eed;
	said[0] = 0;
	if (use())
		die(said, "as it is");
	damage(strtoul(argv[2], NULL, 0));
	return 0;
}
