/*
 * NVIDIA Ada: firmware known by hash
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A real part verifies RSA signatures; the model knows the signed images of Debian's firmware package by SHA-256, which
 * refuses the same changes. tools/testing/qemu/fw-hashes.py makes the table.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "ada-fw.h"

#include "ada-fw-table.c.inc"

AdaSha256 ada_sha256_end(QCryptoHash *hash)
{
    AdaSha256 sum;
    uint8_t *digest = sum.byte;
    size_t size = sizeof(sum.byte);

    qcrypto_hash_finalize_bytes(hash, &digest, &size, &error_abort);
    return sum;
}

AdaSha256 ada_sha256(const void *data, size_t len)
{
    g_autoptr(QCryptoHash) hash = qcrypto_hash_new(QCRYPTO_HASH_ALGO_SHA256, &error_abort);

    qcrypto_hash_update(hash, data, len, &error_abort);
    return ada_sha256_end(hash);
}

const AdaFwImage *ada_fw_by_image(const uint8_t sha256[32])
{
    for (int i = 0; i < ARRAY_SIZE(ada_fw_images); i++) {
        if (!memcmp(ada_fw_images[i].image_sha256, sha256, 32)) {
            return &ada_fw_images[i];
        }
    }
    return NULL;
}

const AdaFwImage *ada_fw_of_version(AdaFwVersion version)
{
    for (int i = 0; i < ARRAY_SIZE(ada_fw_images); i++) {
        if (ada_fw_images[i].version == version) {
            return &ada_fw_images[i];
        }
    }
    return NULL;
}

bool ada_fw_image_size_known(uint64_t size)
{
    for (int i = 0; i < ARRAY_SIZE(ada_fw_images); i++) {
        if (ada_fw_images[i].image_size == size) {
            return true;
        }
    }
    return false;
}

AdaFwVersion ada_fw_version(const AdaFwImage *fw)
{
    return fw->version;
}

const char *ada_fw_version_string(const AdaFwImage *fw)
{
    return fw->name;
}

const AdaHsImage *ada_fw_hs_find(const uint8_t *imem, uint32_t code_size, const uint8_t *dmem, uint32_t data_size)
{
    for (int i = 0; i < ARRAY_SIZE(ada_hs_images); i++) {
        const AdaHsImage *hs = &ada_hs_images[i];
        g_autofree uint8_t *all = NULL;

        if (code_size < hs->code_size || data_size < hs->data_size) {
            continue;
        }
        all = g_malloc(hs->code_size + hs->data_size);
        memcpy(all, imem, hs->code_size);
        memcpy(all + hs->code_size, dmem, hs->data_size);
        memset(all + hs->code_size + hs->pkc, 0, ADA_SIGNATURE_SIZE);
        if (!memcmp(ada_sha256(all, hs->code_size + hs->data_size).byte, hs->sha256, 32)) {
            return hs;
        }
    }
    return NULL;
}

const AdaHsImage *ada_fw_hs_of_kind(AdaHsKind kind)
{
    for (int i = 0; i < ARRAY_SIZE(ada_hs_images); i++) {
        if (ada_hs_images[i].kind == kind) {
            return &ada_hs_images[i];
        }
    }
    return NULL;
}
