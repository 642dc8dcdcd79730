/*
 * NVIDIA Ada: firmware known by hash. Private to ada-fw.c and ada-hs.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_MISC_NVIDIA_ADA_FW_H
#define HW_MISC_NVIDIA_ADA_FW_H

#include "crypto/hash.h"
#include "ada.h"

/* GSP-RM of one release, its signature section for AD10x and its bootloader */
struct AdaFwImage {
    AdaFwVersion version;
    const char *name;
    uint64_t image_size, signature_size, loader_size;
    uint8_t image_sha256[32], signature_sha256[32], loader_sha256[32];
    uint32_t loader_code, loader_data, loader_manifest;
};

typedef enum { ADA_HS_BOOTER_LOAD, ADA_HS_BOOTER_UNLOAD, ADA_HS_SCRUBBER, ADA_HS_FWSEC } AdaHsKind;

/* A program that the falcon's boot ROM verifies: code in IMEM from 0, data in DMEM from 0 with the signature at @pkc */
typedef struct AdaHsImage {
    AdaHsKind kind;
    AdaFwVersion version;
    const char *name;
    uint32_t fuse_version, engine_mask, ucode_id, boot_vector, code_size, data_size, pkc, num_signatures;
    uint8_t sha256[32];     /* of code and data, the signature's place zeroed */
    uint8_t signature[ADA_MAX_SIGNATURES][32];      /* SHA-256 of each signature */
} AdaHsImage;

typedef struct AdaSha256 { uint8_t byte[32]; } AdaSha256;
AdaSha256 ada_sha256(const void *data, size_t len);
/* of what was given to qcrypto_hash_update() */
AdaSha256 ada_sha256_end(QCryptoHash *hash);

/* what lies in a falcon's memories, signature aside; NULL: nothing that is known */
const AdaHsImage *ada_fw_hs_find(const uint8_t *imem, uint32_t code_size, const uint8_t *dmem, uint32_t data_size);
/* same by kind, for firmware that is not known by hash */
const AdaHsImage *ada_fw_hs_of_kind(AdaHsKind kind);
/* is there a release whose image has this size */
bool ada_fw_image_size_known(uint64_t size);
const AdaFwImage *ada_fw_of_version(AdaFwVersion version);

#endif
