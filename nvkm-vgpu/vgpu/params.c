// SPDX-License-Identifier: GPL-2.0-only
/* Settings of a vGPU that an operator may change, by the names of NVIDIA's product. */

#include <kunit/visibility.h>
#include <linux/device.h>
#include <linux/export.h>
#include <linux/kstrtox.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "vgpu/params.h"

#define PLACEMENT_ID	"vgpu-placement-id"

/* @fixed: firmware has no published field for it, so it is what it is */
static const struct {
	const char *name;
	bool on;
	bool fixed;
} params_known[] = {
	[NVGPU_PARAM_FRAME_RATE_LIMITER] = { "frame_rate_limiter", true, true },
	[NVGPU_PARAM_DISABLE_VNC] = { "disable_vnc", false },
	[NVGPU_PARAM_ENABLE_UVM] = { "enable_uvm", false },
	[NVGPU_PARAM_ENABLE_DEBUGGING] = { "enable_debugging", false, true },
	[NVGPU_PARAM_ENABLE_PROFILING] = { "enable_profiling", false },
};

static_assert(ARRAY_SIZE(params_known) == NVGPU_NUM_PARAMS);

/**
 * nvgpu_params_get() - what a setting is
 * @params: settings of a vGPU
 * @param: which one
 *
 * Return: what was written, or else its default.
 */
bool nvgpu_params_get(const struct nvgpu_params *params, enum nvgpu_param param)
{
	return params->given & BIT(param) ? params->on & BIT(param) : params_known[param].on;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_params_get);

/**
 * nvgpu_params_emit() - settings that were written, as they could be written again
 * @buf: of a sysfs file
 * @params: settings of a vGPU
 *
 * Return: length of the line.
 */
int nvgpu_params_emit(char *buf, const struct nvgpu_params *params)
{
	unsigned int i;
	int len = 0;

	for (i = 0; i < NVGPU_NUM_PARAMS; i++)
		if (params->given & BIT(i))
			len += sysfs_emit_at(buf, len, "%s%s=%u", len ? ", " : "",
					     params_known[i].name, nvgpu_params_get(params, i));
	if (params->placed)
		len += sysfs_emit_at(buf, len, "%s" PLACEMENT_ID "=%u", len ? ", " : "",
				     params->placement_id);
	return len + sysfs_emit_at(buf, len, "\n");
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_params_emit);

/**
 * nvgpu_params_have_place() - may there be a placement id in what is written
 * @text: as for nvgpu_params_add()
 */
bool nvgpu_params_have_place(const char *text)
{
	return strstr(text, PLACEMENT_ID);
}

static int params_refuse(struct device *dev, unsigned int vf, const char *word, const char *why,
			 int error)
{
	dev_notice(dev, "VF %u: vgpu_params: '%s' %s\n", vf, word, why);
	return error;
}

static int params_find(const char *name, size_t len)
{
	unsigned int i;

	for (i = 0; i < NVGPU_NUM_PARAMS; i++)
		if (strlen(params_known[i].name) == len && !memcmp(params_known[i].name, name, len))
			return i;
	return -EINVAL;
}

static int params_add_word(struct nvgpu_params *params, const char *word, struct device *dev,
			   unsigned int vf)
{
	const char *value = strchr(word, '=');
	int param;
	bool on;

	if (!value)
		return params_refuse(dev, vf, word, "is no name=value", -EINVAL);
	param = params_find(word, value - word);
	if (param < 0 && strstarts(word, PLACEMENT_ID "=")) {
		if (kstrtou32(value + 1, 10, &params->placement_id))
			return params_refuse(dev, vf, word, "has no number", -EINVAL);
		params->placed = true;
		return 0;
	}
	if (param < 0)
		return params_refuse(dev, vf, word, "is no setting of a vGPU", -EINVAL);
	if (kstrtobool(value + 1, &on))
		return params_refuse(dev, vf, word, "has another value than 0 or 1", -EINVAL);
	if (params_known[param].fixed && on != params_known[param].on)
		return params_refuse(dev, vf, word, "is not supported", -EOPNOTSUPP);

	params->given |= BIT(param);
	params->on = on ? params->on | BIT(param) : params->on & ~BIT(param);
	return 0;
}

/**
 * nvgpu_params_add() - add what is written to settings
 * @params: settings of a vGPU
 * @text: "name=value", several with commas between them; white space alone takes all away. It is
 *	cut into pieces
 * @dev: the GPU, to name what is refused in its log
 * @vf: whose settings
 *
 * What is refused leaves the rest of the line as good as it is. Tools write settings of the
 * product that not every host can honour, in one line with those that matter to them.
 *
 * Return: 0, or why the first that was refused was: -EINVAL, or -EOPNOTSUPP for a setting of the
 * product that cannot be honoured.
 */
int nvgpu_params_add(struct nvgpu_params *params, char *text, struct device *dev, unsigned int vf)
{
	char *word;
	int ret = 0, error;

	text = strim(text);
	if (!*text) {
		*params = (struct nvgpu_params) {};
		return 0;
	}
	while ((word = strsep(&text, ","))) {
		error = params_add_word(params, strim(word), dev, vf);
		ret = ret ?: error;
	}
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_params_add);
