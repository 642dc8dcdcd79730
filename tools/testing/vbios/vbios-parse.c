// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver's VBIOS parser on flash images, in user space.
 *
 *	vbios-parse FILE...		a line each: what it found, or why it refuses
 *	vbios-parse -m N FILE...	N damaged variants of all of them, for a build with ASan
 *
 * Each file is seen as the window on a board's ROM shows it: one MiB, ones behind the end.
 */
#include <stdlib.h>
#include <unistd.h>

#include "boot/fwsec.h"
#include "boot/vbios.h"

#define WINDOW		0x100000
#define BLOCK		256

struct window {
	const u8 *data;
	size_t size;
};

static u32 window_read(void *ctx, u32 offset)
{
	const struct window *w = ctx;
	u8 word[4] = { 0xff, 0xff, 0xff, 0xff };

	if (offset % 4 || offset > WINDOW - 4) {
		fprintf(stderr, "read of %#x in the window\n", offset);
		abort();
	}
	if (offset < w->size)
		memcpy(word, w->data + offset, w->size - offset < 4 ? w->size - offset : 4);
	return get_unaligned_le32(word);
}

/* what the driver does with FWSEC before it is loaded */
static int use_fwsec(const struct nvgpu_vbios_fwsec *f, char *why)
{
	u32 code_size = ALIGN(f->imem_size, BLOCK), data_size = ALIGN(f->dmem_size, BLOCK);
	const u32 commands[] = { NVGPU_FWSEC_FRTS, NVGPU_FWSEC_SB };
	u8 *mem, *data;
	u32 fuse;
	unsigned int i;
	int sig, ret = 0;

	for (i = 0; i < ARRAY_SIZE(commands) && !ret; i++) {
		mem = calloc(1, code_size + data_size);
		if (!mem)
			abort();
		data = mem + code_size;
		memcpy(mem, f->code, f->imem_size);
		memcpy(data, f->data, f->dmem_size);
		for (fuse = 0; fuse < 0x10000; fuse = fuse << 1 | 1) {
			sig = nvgpu_vbios_fwsec_signature(f, fuse);
			if (sig >= 0)
				memcpy(data + f->pkc_offset, f->sigs + sig * NVGPU_VBIOS_SIG_SIZE,
				       NVGPU_VBIOS_SIG_SIZE);
		}
		ret = nvgpu_fwsec_patch(data, data_size, f->interface_offset, commands[i],
					0xbffe00000ULL, 0x100000, why);
		free(mem);
	}
	return ret;
}

static int parse(const u8 *data, size_t size, struct nvgpu_vbios *vbios,
		 struct nvgpu_vbios_fwsec *fwsec, u8 **bios)
{
	struct window w = { .data = data, .size = size };
	int ret;

	memset(vbios, 0, sizeof(*vbios));
	*bios = NULL;
	ret = nvgpu_vbios_find_images(vbios, window_read, &w, WINDOW);
	if (ret)
		return ret;
	/* exactly as much as is told, so that one byte more is seen */
	*bios = malloc(vbios->size);
	if (!*bios)
		abort();
	memset(*bios, 0xff, vbios->size);
	if (vbios->start < size)
		memcpy(*bios, data + vbios->start, min(vbios->size, size - vbios->start));
	ret = nvgpu_vbios_find_fwsec(vbios, *bios, fwsec);
	return ret ? ret : use_fwsec(fwsec, vbios->why);
}

static u8 *load(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	u8 *data = NULL;

	if (file && !fseek(file, 0, SEEK_END)) {
		*size = ftell(file);
		rewind(file);
		data = malloc(*size + 1);
		if (data && fread(data, 1, *size, file) != *size) {
			free(data);
			data = NULL;
		}
	}
	if (file)
		fclose(file);
	if (!data) {
		fprintf(stderr, "vbios-parse: %s: %s\n", path, strerror(errno));
		exit(2);
	}
	return data;
}

/* the version as boards are asked for it: BIT's token 'i' leads there */
static void print_version(const u8 *bios, u32 size)
{
	const u8 *bit = memmem(bios, size, "\xff\xb8\x42IT", 6), *token;
	unsigned int i, at;

	for (i = 0; bit && i < bit[10]; i++) {
		token = bit + bit[8] + i * bit[9];
		at = token + 6 <= bios + size ? token[4] | token[5] << 8 : size;
		if (at + 5 > size || token[0] != 'i')
			continue;
		printf(" %02X.%02X.%02X.%02X.%02X", bios[at + 3], bios[at + 2], bios[at + 1],
		       bios[at], bios[at + 4]);
		return;
	}
}

static void print_file(const char *path)
{
	struct nvgpu_vbios_fwsec f;
	struct nvgpu_vbios vbios;
	u8 *data, *bios;
	size_t size;
	int ret;

	data = load(path, &size);
	ret = parse(data, size, &vbios, &f, &bios);
	printf("%s %04x", ret ? "refused" : "ok", vbios.device);
	if (ret)
		printf(" %s\n", vbios.why);
	if (!ret) {
		print_version(bios, vbios.size);
		printf(", images %#x to %#x, FWSEC: IMEM %#x DMEM %#x PKC %#x, engine %#x,",
		       vbios.start, vbios.start + vbios.size, f.imem_size, f.dmem_size,
		       f.pkc_offset, f.engine_mask);
		printf(" ucode %u, %u signatures for %#x\n", f.ucode_id, f.num_sigs,
		       f.sig_versions);
	}
	free(bios);
	free(data);
}

/* ---- damage ---------------------------------------------------------------------------------- */

static u32 seed = 0x5eed;

static u32 draw(u32 below)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return below ? seed % below : 0;
}

/* the places that the parser looks at */
struct hot {
	u32 at[64];
	unsigned int num;
};

static void hot_add(struct hot *hot, const u8 *data, size_t size, const char *what, size_t len)
{
	const u8 *p = data;

	while (hot->num < ARRAY_SIZE(hot->at) && p < data + size) {
		p = memmem(p, data + size - p, what, len);
		if (!p)
			break;
		hot->at[hot->num++] = p - data;
		p += len;
	}
}

static void find_hot(struct hot *hot, const u8 *data, size_t size)
{
	struct nvgpu_vbios_fwsec f;
	struct nvgpu_vbios vbios;
	u8 *bios;

	hot->num = 0;
	hot->at[hot->num++] = 0;
	if (!parse(data, size, &vbios, &f, &bios)) {
		hot->at[hot->num++] = vbios.start;
		hot->at[hot->num++] = vbios.start + (f.sigs - bios) -
				      sizeof(struct nvgpu_rom_ucode_desc);
		hot->at[hot->num++] = f.data - bios + vbios.start + f.interface_offset;
	}
	free(bios);
	hot_add(hot, data, size, "\xff\xb8\x42IT", 5);
	hot_add(hot, data, size, "\x01\x06\x06\x10\x01\x30", 6);
	hot_add(hot, data, size, "PCIR", 4);
	hot_add(hot, data, size, "NPDS", 4);
	hot_add(hot, data, size, "NPDE", 4);
	hot_add(hot, data, size, "DMAP", 4);
	hot_add(hot, data, size, "RFRD", 4);
}

#define MAX_DAMAGE	6

struct damage {
	u32 at[MAX_DAMAGE];
	u8 was[MAX_DAMAGE];
	unsigned int num;
};

static u8 other_value(u8 was)
{
	static const u8 values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };

	switch (draw(4)) {
	case 0:
		return values[draw(ARRAY_SIZE(values))];
	case 1:
		return was + 1 - 2 * (int)draw(2);
	case 2:
		return was ^ 1 << draw(8);
	default:
		return draw(256);
	}
}

static void damage_do(struct damage *d, u8 *data, size_t size, const struct hot *hot)
{
	unsigned int n = 1 + draw(MAX_DAMAGE);
	u32 at;

	for (d->num = 0; n; n--) {
		at = draw(8) ? hot->at[draw(hot->num)] + draw(96) : draw(size);
		if (at >= size)
			continue;
		d->at[d->num] = at;
		d->was[d->num++] = data[at];
		data[at] = other_value(data[at]);
	}
}

static void damage_undo(struct damage *d, u8 *data)
{
	while (d->num) {
		d->num--;
		data[d->at[d->num]] = d->was[d->num];
	}
}

static void mutate(unsigned long runs, char **paths, int num)
{
	unsigned long taken = 0, n;
	struct nvgpu_vbios_fwsec f;
	struct nvgpu_vbios vbios;
	size_t size, cut;
	u8 *data, *bios;
	struct damage d;
	struct hot hot;
	int i;

	for (i = 0; i < num; i++) {
		data = load(paths[i], &size);
		size = size < WINDOW ? size : WINDOW;
		find_hot(&hot, data, size);
		for (n = runs * i / num; n < runs * (i + 1) / num; n++) {
			damage_do(&d, data, size, &hot);
			cut = draw(16) ? size : draw(size);
			taken += !parse(data, cut, &vbios, &f, &bios);
			free(bios);
			damage_undo(&d, data);
		}
		free(data);
	}
	printf("%lu variants of %d files: %lu taken, %lu refused\n", runs, num, taken,
	       runs - taken);
}

int main(int argc, char **argv)
{
	unsigned long runs = 0;
	int opt, i;

	while ((opt = getopt(argc, argv, "m:")) != -1) {
		if (opt != 'm')
			return 2;
		runs = strtoul(optarg, NULL, 0);
	}
	if (optind == argc) {
		fprintf(stderr, "usage: vbios-parse [-m N] FILE...\n");
		return 2;
	}
	if (runs) {
		mutate(runs, argv + optind, argc - optind);
		return 0;
	}
	for (i = optind; i < argc; i++)
		print_file(argv[i]);
	return 0;
}
