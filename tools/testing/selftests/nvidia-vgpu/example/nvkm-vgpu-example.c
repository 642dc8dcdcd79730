// SPDX-License-Identifier: GPL-2.0-only
/*
 * The smallest driver that uses vGPUs: include/linux/nvkm_vgpu.h without VFIO.
 *
 * Nobody runs on its vGPUs. It opens, resets and closes them when it is told to, for tests and as
 * an example to copy. In /sys/kernel/debug/nvkm-vgpu-example/<VF>/:
 *
 *	ctl	"type N", "open", "reset", "close"; errors are those of the API
 *	state	what there is now, and what error() has said
 *
 * A VF is bound by driver_override. One with an id from new_id is given a type at once, if the id
 * comes with one as its driver data.
 */

#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/nvkm_vgpu.h>
#include <linux/pci.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

/**
 * struct example - a VF
 * @pdev: the VF
 * @vgpu: its vGPU
 * @dir: its files
 * @lock: one command at a time; error() does not take it
 * @open: the vGPU is open
 * @followed: how the vGPU took the last reset of its function
 * @errors: calls of error()
 * @reason: of the last one
 */
struct example {
	struct pci_dev *pdev;
	struct nvkm_vgpu *vgpu;
	struct dentry *dir;
	struct mutex lock;	/* commands, open */
	bool open;
	int followed;
	atomic_t errors;
	enum nvkm_vgpu_error reason;
};

static struct dentry *example_dir;

/* the vGPU cannot go on; whoever uses it is told here. Closing it would wait for this function */
static void example_error(void *data, enum nvkm_vgpu_error reason)
{
	struct example *ex = data;

	WRITE_ONCE(ex->reason, reason);
	atomic_inc(&ex->errors);
}

static const struct nvkm_vgpu_client_ops example_ops = {
	.error = example_error,
};

/* a driver that uses the VF stops here */
static void example_reset_prepare(struct pci_dev *pdev)
{
}

/*
 * The function was reset, by us or in sysfs, and the vGPU follows: in this order, as its plugin
 * task takes it for the end of all that was under way. One that is not open answers -EIO, and has
 * nothing to follow.
 */
static void example_reset_done(struct pci_dev *pdev)
{
	struct example *ex = pci_get_drvdata(pdev);

	ex->followed = nvkm_vgpu_reset(ex->vgpu);
}

static const struct pci_error_handlers example_err_handlers = {
	.reset_prepare = example_reset_prepare,
	.reset_done = example_reset_done,
};

static int example_reset(struct example *ex)
{
	/* remove has the device lock and waits for this command: so it is only tried */
	int ret = pci_try_reset_function(ex->pdev);

	return ret ? ret : ex->followed;
}

static int example_open(struct example *ex)
{
	int ret;

	/* nothing of who had the function before goes into a new vGPU */
	if (!ex->open) {
		ret = pci_try_reset_function(ex->pdev);
		if (ret)
			return ret;
	}

	ret = nvkm_vgpu_open(ex->vgpu);
	if (ret)
		return ret;
	ex->open = true;
	ex->followed = 0;
	pci_set_master(ex->pdev);
	return 0;
}

static int example_close(struct example *ex)
{
	/* what it writes to is another vGPU's next */
	pci_clear_master(ex->pdev);
	nvkm_vgpu_close(ex->vgpu);
	ex->open = false;
	return 0;
}

static int example_command(struct example *ex, const char *command)
{
	u32 type;

	guard(mutex)(&ex->lock);
	if (sscanf(command, "type %u", &type) == 1)
		return nvkm_vgpu_set_type(ex->vgpu, type);
	if (!strcmp(command, "open"))
		return example_open(ex);
	if (!strcmp(command, "reset"))
		return example_reset(ex);
	if (!strcmp(command, "close"))
		return example_close(ex);
	return -EOPNOTSUPP;
}

static ssize_t example_ctl_write(struct file *file, const char __user *from, size_t count,
				 loff_t *pos)
{
	char command[32] = {};
	int ret;

	if (count >= sizeof(command))
		return -E2BIG;
	if (copy_from_user(command, from, count))
		return -EFAULT;
	ret = example_command(file->private_data, strim(command));
	return ret ? ret : count;
}

static const struct file_operations example_ctl_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = example_ctl_write,
};

static int example_state_show(struct seq_file *seq, void *unused)
{
	static const char * const reasons[] = {
		[NVKM_VGPU_ERROR_GPU] = "gpu",
		[NVKM_VGPU_ERROR_PLUGIN] = "plugin",
	};
	struct example *ex = seq->private;
	const struct nvkm_vgpu_identity *id;
	int errors;

	guard(mutex)(&ex->lock);
	seq_printf(seq, "type %u\n", nvkm_vgpu_type(ex->vgpu));
	/* there is one as long as it is open, and only then */
	if (ex->open) {
		id = nvkm_vgpu_identity(ex->vgpu);
		seq_printf(seq, "identity %04x %04x:%04x bar1 %#llx\n", id->device,
			   id->subsystem_vendor, id->subsystem, id->bar1_size);
	}
	seq_printf(seq, "followed %d\n", ex->followed);
	errors = atomic_read(&ex->errors);
	seq_printf(seq, "errors %d %s\n", errors, errors ? reasons[READ_ONCE(ex->reason)] : "none");
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(example_state);

static int example_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct example *ex;
	int ret;

	ex = devm_kzalloc(&pdev->dev, sizeof(*ex), GFP_KERNEL);
	if (!ex)
		return -ENOMEM;
	ret = devm_mutex_init(&pdev->dev, &ex->lock);
	if (ret)
		return ret;
	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;

	ex->pdev = pdev;
	ex->vgpu = nvkm_vgpu_attach(pdev, &example_ops, ex);
	/* a PF, or a VF whose PF has another driver: somebody else may want it */
	if (IS_ERR(ex->vgpu))
		return PTR_ERR(ex->vgpu) == -EINVAL ? -ENODEV : PTR_ERR(ex->vgpu);

	if (id->driver_data) {
		ret = nvkm_vgpu_set_type(ex->vgpu, id->driver_data);
		if (ret) {
			nvkm_vgpu_detach(ex->vgpu);
			return ret;
		}
	}

	pci_set_drvdata(pdev, ex);
	ex->dir = debugfs_create_dir(pci_name(pdev), example_dir);
	debugfs_create_file("ctl", 0200, ex->dir, ex, &example_ctl_fops);
	debugfs_create_file("state", 0400, ex->dir, ex, &example_state_fops);
	return 0;
}

static void example_remove(struct pci_dev *pdev)
{
	struct example *ex = pci_get_drvdata(pdev);

	/* waits for a command that is under way; none comes after it */
	debugfs_remove(ex->dir);
	example_close(ex);
	nvkm_vgpu_detach(ex->vgpu);
}

static struct pci_driver example_driver = {
	.name = "nvkm-vgpu-example",
	.id_table = NULL,	/* only ids from new_id, and driver_override */
	.probe = example_probe,
	.remove = example_remove,
	.err_handler = &example_err_handlers,
};

static int __init example_init(void)
{
	int ret;

	example_dir = debugfs_create_dir("nvkm-vgpu-example", NULL);
	ret = pci_register_driver(&example_driver);
	if (ret)
		debugfs_remove(example_dir);
	return ret;
}
module_init(example_init);

static void __exit example_exit(void)
{
	pci_unregister_driver(&example_driver);
	debugfs_remove(example_dir);
}
module_exit(example_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Example of a driver that uses vGPUs");
