// SPDX-License-Identifier: GPL-2.0-only
/*
 * All that an operator and users of vGPUs can do to one GPU, at once, in random order.
 *
 *	races [-i] [-s SEED] [-t SECONDS] [-l LIMIT] [-p PERCENT] [-a ACTOR,...] PF
 *
 * Each actor is a process that does things of one kind over and over and knows which errors they
 * may end with. -s makes the choices of each actor the same again, not their order among actors.
 * -l is how many seconds one act may last before the actor counts as hung; it is named then, with
 * the kernel's stack of it. -a takes these actors only. -p is how long the pauses between acts are,
 * of what they usually are. -i has users open by iommufd. Prints a row for each actor, and exits
 * with 1 if an act ended as it may not or an actor hung, with 2 on wrong usage.
 *
 * The GPU is left as it happens to be, and nobody else may use it meanwhile.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PCI		"/sys/bus/pci"
#define PF_DRIVER	PCI "/drivers/nvkm-vgpu"
#define VF_DRIVER	"vfio-nvidia-vgpu"
#define MAX_VFS		4
#define MAX_ACTORS	32
#define MAX_OUTCOMES	24
#define MAX_ARGS	12
#define READ_MAX	0x100000
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

struct outcome {
	char what[48];
	unsigned int times;
};

/* written by the actor, read by who watches it */
struct actor {
	const char *name;
	unsigned int number;	/* of those with this name */
	void (*act)(struct actor *a);
	unsigned int pause_ms;	/* between acts, at most */
	pid_t pid, child;
	uint64_t since;		/* ms, when the act began; 0: between two */
	char doing[160];
	unsigned int acts, bad;
	struct outcome outcome[MAX_OUTCOMES];
};

static struct shared {
	bool stop;
	/* resets, which may do harm to who has a vGPU open */
	unsigned int resets_begun, resets_ended;
	/*
	 * The PCI core takes its rescan lock and a device's own in both orders: sriov_numvfs has
	 * the device's first, remove and rescan have it last. So these exclude each other here.
	 */
	pthread_rwlock_t core;
	/*
	 * Nor do resets come together. That of the PF has the bridge above both and waits for the
	 * PF, that of a VF waits for the bridge, and who turns the VFs off has the PF and waits for
	 * whoever is in a file of the VF: a dead lock of the PCI core (Linux 7.3; with pci-pf-stub,
	 * too).
	 */
	pthread_mutex_t reset;
	struct actor actor[MAX_ACTORS];
	unsigned int num_actors;
} *shared;

static const char *pf;
static char client[PATH_MAX];
static bool use_iommufd;
static struct drand48_data dice;

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ull + t.tv_nsec / 1000000;
}

static void sleep_ms(unsigned int ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	nanosleep(&t, NULL);
}

/* 0 to @limit - 1 */
static unsigned int any(unsigned int limit)
{
	long val;

	lrand48_r(&dice, &val);
	return val % limit;
}

/* ---- what came of it ------------------------------------------------------------------------- */

static void __attribute__((format(printf, 2, 3)))
note(struct actor *a, const char *fmt, ...)
{
	char what[sizeof(a->outcome[0].what)];
	va_list args;
	unsigned int i;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	for (i = 0; i < MAX_OUTCOMES - 1; i++)
		if (!a->outcome[i].times || !strcmp(a->outcome[i].what, what))
			break;
	memcpy(a->outcome[i].what, what, sizeof(what));
	a->outcome[i].times++;
	a->acts++;
}

static void __attribute__((format(printf, 2, 3)))
wrong(struct actor *a, const char *fmt, ...)
{
	char what[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	a->bad++;
	printf("FAIL %s%u: %s\n", a->name, a->number, what);
	fflush(stdout);
}

static void __attribute__((format(printf, 2, 3)))
begin(struct actor *a, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(a->doing, sizeof(a->doing), fmt, args);
	va_end(args);
	a->since = now_ms();
}

static void end(struct actor *a)
{
	a->since = 0;
}

/* the thing may be gone, or go at this moment, whatever is done with it */
static bool allowed(int error, const int *errors)
{
	if (!error || error == ENOENT || error == ENODEV)
		return true;
	for (; errors && *errors; errors++)
		if (error == *errors)
			return true;
	return false;
}

/* one write(2), as echo does it; @errors: what it may fail with, ends with 0. Returns an errno. */
static int put(struct actor *a, const char *label, const char *path, const char *text,
	       const int *errors)
{
	int fd, error = 0;

	begin(a, "write '%.40s' to %.100s", text, path);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		error = errno;
	if (fd >= 0)
		close(fd);
	end(a);
	if (error)
		note(a, "%s %s", label, strerrorname_np(error));
	else
		note(a, "%s", label);
	if (!allowed(error, errors))
		wrong(a, "%s: %s", a->doing, strerrorname_np(error));
	return error;
}

static const char *pf_path(const char *file)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), PCI "/devices/%s/%s", pf, file);
	return path;
}

static const char *vf_path(unsigned int vf, const char *file)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), PCI "/devices/%s/virtfn%u/%s", pf, vf, file);
	return path;
}

/* PCI address of a VF, false if it is not there */
static bool vf_address(unsigned int vf, char *bdf, size_t size)
{
	char path[PATH_MAX], link[256];
	ssize_t len;

	snprintf(path, sizeof(path), PCI "/devices/%s/virtfn%u", pf, vf);
	len = readlink(path, link, sizeof(link) - 1);
	if (len < 0)
		return false;
	link[len] = 0;
	snprintf(bdf, size, "%.31s", strrchr(link, '/') + 1);
	return true;
}

/* ---- files ----------------------------------------------------------------------------------- */

static void act_type(struct actor *a)
{
	/* L40: none, 8Q, 8A, 1Q, 24Q, no type, no number */
	static const char * const types[] = {
		"0", "876", "876", "876", "886", "871", "879", "4", "x",
	};
	static const int errors[] = { EBUSY, EINVAL, ENOSPC, EIO, 0 };

	put(a, "type", vf_path(any(MAX_VFS), "nvidia/current_vgpu_type"),
	    types[any(ARRAY_SIZE(types))], errors);
}

static void act_params(struct actor *a)
{
	static const char * const params[] = {
		" ", "disable_vnc=1", "disable_vnc=1, enable_uvm=1", "enable_profiling=0",
		"frame_rate_limiter=0", "vgpu-placement-id=24", "vgpu-placement-id=0",
		"colour=green",
	};
	static const int errors[] = { EBUSY, EINVAL, ENOSPC, EOPNOTSUPP, 0 };

	put(a, "params", vf_path(any(MAX_VFS), "nvidia/vgpu_params"),
	    params[any(ARRAY_SIZE(params))], errors);
}

static void act_mode(struct actor *a)
{
	static const int errors[] = { EBUSY, EIO, 0 };

	put(a, "mode", pf_path("vgpu/heterogeneous_mode"), any(2) ? "1" : "0", errors);
}

/* all of a file, with a rest between two parts now and then */
static void read_file(struct actor *a, const char *path)
{
	/* a file of debugfs whose module goes has ENXIO */
	static const int errors[] = { ENODATA, EIO, EBUSY, ENXIO, 0 };
	static char buf[0x4000];
	struct pollfd poll_fd = { .events = POLLPRI };
	unsigned int total = 0;
	int error = 0;
	ssize_t len;

	begin(a, "read %.140s", path);
	poll_fd.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (poll_fd.fd < 0)
		error = errno;
	while (!error && total < READ_MAX) {
		len = read(poll_fd.fd, buf, sizeof(buf));
		if (len < 0)
			error = errno;
		if (len <= 0)
			break;
		total += len;
		if (!any(50))
			poll(&poll_fd, 1, any(200));
	}
	if (poll_fd.fd >= 0)
		close(poll_fd.fd);
	end(a);
	note(a, "%s", error ? strerrorname_np(error) : "read");
	if (!allowed(error, errors))
		wrong(a, "%s: %s", a->doing, strerrorname_np(error));
}

/* any file of a folder, or of one in it; none if there is none */
static void read_in(struct actor *a, const char *folder, unsigned int depth)
{
	char chosen[PATH_MAX] = "";
	unsigned int seen = 0;
	struct dirent *entry;
	struct stat st;
	DIR *dir;

	dir = opendir(folder);
	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' && !any(++seen))
			snprintf(chosen, sizeof(chosen), "%.2000s/%.250s", folder, entry->d_name);
	closedir(dir);
	if (!*chosen || lstat(chosen, &st))
		return;
	if (S_ISREG(st.st_mode) && st.st_mode & 0444)
		read_file(a, chosen);
	else if (S_ISDIR(st.st_mode) && depth)
		read_in(a, chosen, depth - 1);
}

static void act_read(struct actor *a)
{
	char path[128];

	switch (any(4)) {
	case 0:
		snprintf(path, sizeof(path), "/sys/kernel/debug/nvkm-vgpu-%s", pf);
		read_in(a, path, 1);
		break;
	case 1:
		read_in(a, pf_path("vgpu"), 0);
		break;
	default:
		read_in(a, vf_path(any(MAX_VFS), any(3) ? "vgpu" : "nvidia"), 0);
	}
}

/* ---- programs -------------------------------------------------------------------------------- */

/* Runs one; its output is in @out. @kill_ms: it is killed after that, 0: it is not. */
static int run(struct actor *a, char **argv, unsigned int kill_ms, char *out, size_t size)
{
	struct pollfd poll_fd = { .events = POLLIN };
	uint64_t until = now_ms() + kill_ms;
	int fds[2], status;
	size_t used = 0;
	ssize_t len = 1;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		dup2(fds[1], STDOUT_FILENO);
		dup2(fds[1], STDERR_FILENO);
		execvp(argv[0], argv);
		_exit(127);
	}
	a->child = pid;
	close(fds[1]);
	poll_fd.fd = fds[0];
	while (pid > 0 && len > 0) {
		if (kill_ms && now_ms() >= until) {
			kill(pid, SIGKILL);
			kill_ms = 0;
		}
		if (!poll(&poll_fd, 1, 20))
			continue;
		len = read(fds[0], out + used, size - 1 - used);
		used += len > 0 ? len : 0;
	}
	out[used] = 0;
	close(fds[0]);
	a->child = 0;
	return waitpid(pid, &status, 0) == pid ? status : -1;
}

/* how a user of a vGPU fared; @disturbed: somebody has reset it, or the GPU */
static void note_user(struct actor *a, int status, const char *out, bool disturbed)
{
	/*
	 * EAGAIN: somebody resets the function, or unbinds it and waits for this user, and VFIO
	 * only tries the lock. EINVAL, ENXIO: it is no VFIO device, or no more.
	 */
	static const int errors[] = { EAGAIN, EBUSY, EIO, EINVAL, ENXIO, 0 };
	const char *fail = strstr(out, "FAIL ");
	char what[24] = "", name[24] = "";
	size_t len = strlen(out);
	const char *out_end = out + (len > 400 ? len - 400 : 0);
	int error = 0, i;

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
		note(a, "killed");
		return;
	}
	if (!status) {
		note(a, "used");
		return;
	}
	/* its BARs do not answer while it is reset, or for good once its vGPU has failed */
	if (disturbed && WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS) {
		note(a, "harmed by a reset");
		return;
	}
	if (!fail || !WIFEXITED(status) || sscanf(fail, "FAIL %23s %23s", what, name) < 1) {
		note(a, "?");
		wrong(a, "%s: status %#x: %.400s", a->doing, status, out_end);
		return;
	}
	if (!strcmp(what, "reset") && !strcmp(name, "EAGAIN")) {
		note(a, "%s %s", what, name);
		return;
	}
	if (strcmp(what, "open")) {
		note(a, "harmed%s", disturbed ? " by a reset" : "");
		if (!disturbed)
			wrong(a, "%s: %.400s", a->doing, out_end);
		return;
	}
	note(a, "open %s", name);
	for (i = 1; i < 140; i++)
		if (strerrorname_np(i) && !strcmp(strerrorname_np(i), name))
			error = i;
	if (!disturbed && (!error || !allowed(error, errors)))
		wrong(a, "%s: %.400s", a->doing, out);
}

static void act_user(struct actor *a)
{
	/* what one leaves in framebuffer the next one must not see */
	static const char * const uses[][MAX_ARGS] = {
		{ "boot", "rpc", "fb-zero:0x1000", "fb-write:0x1000:7", "fb-check:0x1000:7" },
		{ "boot", "rpc", "reset", "rpc" },
		{ "boot", "fb-zero:0x1000", "sleep:700", "rpc", "fb-write:0x1000:9" },
		{ "regions", "clamp", "tlb", "irq:70" },
		{ "touch", "reset", "reset" },
	};
	const char * const *use = uses[any(ARRAY_SIZE(uses))];
	unsigned int ended, kill_ms = any(3) ? 0 : 1 + any(1500);
	char bdf[32], out[8192], *argv[MAX_ARGS + 4];
	unsigned int i, n = 0, vf = any(MAX_VFS);
	int status;

	if (!vf_address(vf, bdf, sizeof(bdf))) {
		note(a, "no VF");
		return;
	}
	argv[n++] = client;
	if (use_iommufd)
		argv[n++] = "-i";
	argv[n++] = bdf;
	for (i = 0; i < MAX_ARGS && use[i]; i++)
		argv[n++] = (char *)use[i];
	argv[n] = NULL;
	begin(a, "vfio-client %s %s..., killed after %u ms", bdf, use[0], kill_ms);
	ended = __atomic_load_n(&shared->resets_ended, __ATOMIC_SEQ_CST);
	status = run(a, argv, kill_ms, out, sizeof(out));
	end(a);
	note_user(a, status, out,
		  ended != __atomic_load_n(&shared->resets_begun, __ATOMIC_SEQ_CST));
}

static void act_modules(struct actor *a)
{
	static char * const commands[][4] = {
		{ "modprobe", "-r", VF_DRIVER, NULL },
		{ "modprobe", "-r", "nvkm-vgpu", NULL },
	};
	static char * const load[] = { "modprobe", "-a", "nvkm-vgpu", VF_DRIVER, NULL };
	char * const *argv = commands[any(ARRAY_SIZE(commands))];
	char out[2048];
	int status;

	begin(a, "modprobe -r %s", argv[2]);
	status = run(a, (char **)argv, 0, out, sizeof(out));
	end(a);
	note(a, status ? "in use" : "unloaded");
	if (status && !strstr(out, "in use"))
		wrong(a, "%s: status %#x: %.300s", a->doing, status, out);
	sleep_ms(any(500));
	begin(a, "modprobe -a nvkm-vgpu " VF_DRIVER);
	status = run(a, (char **)load, 0, out, sizeof(out));
	end(a);
	note(a, "loaded");
	if (status)
		wrong(a, "%s: status %#x: %.300s", a->doing, status, out);
}

/* ---- functions ------------------------------------------------------------------------------- */

static void bind_vf(struct actor *a, unsigned int vf)
{
	static const int errors[] = { EBUSY, EAGAIN, EINVAL, 0 };
	char bdf[32];

	if (!vf_address(vf, bdf, sizeof(bdf))) {
		note(a, "no VF");
		return;
	}
	put(a, "override", vf_path(vf, "driver_override"), VF_DRIVER, NULL);
	put(a, "bind", PCI "/drivers_probe", bdf, errors);
}

static void act_bind_vf(struct actor *a)
{
	char bdf[32];
	unsigned int vf = any(MAX_VFS);

	if (any(4))
		bind_vf(a, vf);
	else if (vf_address(vf, bdf, sizeof(bdf)))
		put(a, "unbind", PCI "/drivers/" VF_DRIVER "/unbind", bdf, NULL);
}

static void act_numvfs(struct actor *a)
{
	static const int errors[] = { EBUSY, EIO, 0 };
	unsigned int i, num = any(8) ? 1 + any(MAX_VFS) : 0;
	char text[8];
	int error;

	snprintf(text, sizeof(text), "%u", num);
	begin(a, "wait for remove or rescan to end");
	pthread_rwlock_rdlock(&shared->core);
	error = put(a, num ? "on" : "off", pf_path("sriov_numvfs"), text, errors);
	pthread_rwlock_unlock(&shared->core);
	for (i = 0; i < num && !error; i++)
		bind_vf(a, i);
}

static void put_reset(struct actor *a, const char *path)
{
	begin(a, "wait for another reset to end");
	pthread_mutex_lock(&shared->reset);
	__atomic_fetch_add(&shared->resets_begun, 1, __ATOMIC_SEQ_CST);
	put(a, "reset", path, "1", NULL);
	__atomic_fetch_add(&shared->resets_ended, 1, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&shared->reset);
}

static void act_reset_vf(struct actor *a)
{
	put_reset(a, vf_path(any(MAX_VFS), "reset"));
}

static bool is_dead(void)
{
	int fd = open(pf_path("vgpu/gsp_state"), O_RDONLY | O_CLOEXEC);
	char text[16] = "";

	if (fd < 0)
		return false;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	close(fd);
	return !strncmp(text, "dead", 4);
}

/* with a vGPU open it costs GSP-RM, and one more brings that back once all are closed */
static void act_reset_pf(struct actor *a)
{
	unsigned int tries;

	put_reset(a, pf_path("reset"));
	for (tries = 0; tries < 5 && is_dead(); tries++) {
		sleep_ms(500 + any(500));
		put_reset(a, pf_path("reset"));
	}
}

static void act_bind_pf(struct actor *a)
{
	static const int errors[] = { EBUSY, EAGAIN, 0 };

	put(a, "unbind", PF_DRIVER "/unbind", pf, NULL);
	sleep_ms(any(500));
	put(a, "bind", PF_DRIVER "/bind", pf, errors);
}

static void act_remove(struct actor *a)
{
	begin(a, "wait for sriov_numvfs to end");
	pthread_rwlock_wrlock(&shared->core);
	if (any(2))
		put(a, "remove", pf_path("remove"), "1", NULL);
	put(a, "rescan", PCI "/rescan", "1", NULL);
	pthread_rwlock_unlock(&shared->core);
}

/* all devices, and no further: so it needs no firmware that wakes the machine */
static void act_sleep(struct actor *a)
{
	static const int errors[] = { EBUSY, 0 };

	if (put(a, "test", "/sys/power/pm_test", "devices", NULL))
		return;
	put(a, "sleep", "/sys/power/state", "mem", errors);
}

/* ---- actors ---------------------------------------------------------------------------------- */

static const struct kind {
	const char *name;
	void (*act)(struct actor *a);
	unsigned int number, pause_ms;
} kinds[] = {
	{ "type", act_type, 2, 300 },
	{ "params", act_params, 1, 300 },
	{ "mode", act_mode, 1, 1000 },
	{ "read", act_read, 2, 40 },
	{ "user", act_user, 3, 600 },
	{ "bind-vf", act_bind_vf, 1, 500 },
	{ "numvfs", act_numvfs, 1, 1000 },
	{ "reset-vf", act_reset_vf, 1, 4000 },
	{ "reset-pf", act_reset_pf, 1, 40000 },
	{ "bind-pf", act_bind_pf, 1, 40000 },
	{ "remove", act_remove, 1, 40000 },
	{ "modules", act_modules, 1, 40000 },
	{ "sleep", act_sleep, 1, 40000 },
};

static void play(struct actor *a, unsigned long seed)
{
	const char *p;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (p = a->name; *p; p++)
		seed = seed * 31 + *p;
	srand48_r(seed * 31 + a->number, &dice);
	/* not all at once */
	sleep_ms(any(a->pause_ms));
	while (!__atomic_load_n(&shared->stop, __ATOMIC_SEQ_CST)) {
		unsigned int pause = any(a->pause_ms), slept;

		a->act(a);
		for (slept = 0; slept < pause && !shared->stop; slept += 20)
			sleep_ms(pause - slept < 20 ? pause - slept : 20);
	}
	_exit(0);
}

static bool is_named(const char *list, const char *name)
{
	size_t len = strlen(name);
	const char *p;

	for (p = list; p; p = strchr(p, ',')) {
		p += *p == ',';
		if (!strncmp(p, name, len) && (!p[len] || p[len] == ','))
			return true;
	}
	return false;
}

static void start(unsigned long seed, const char *names, unsigned int percent)
{
	unsigned int i, number;
	struct actor *a;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		for (number = 0; number < kinds[i].number; number++) {
			if (names && !is_named(names, kinds[i].name))
				continue;
			a = &shared->actor[shared->num_actors++];
			a->name = kinds[i].name;
			a->number = number;
			a->act = kinds[i].act;
			a->pause_ms = kinds[i].pause_ms * percent / 100 + 1;
			/* the child has the same memory and must not say that it is 0 */
			pid = fork();
			if (!pid)
				play(a, seed);
			a->pid = pid;
		}
}

static void show_stack(pid_t pid)
{
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stack", pid);
	file = fopen(path, "r");
	printf("stack of %d:\n", pid);
	while (file && fgets(line, sizeof(line), file))
		printf("  %s", line);
	if (file)
		fclose(file);
}

/* who hangs, and all who may be why: they have been at their act for @seconds */
static void show_stacks(unsigned int seconds)
{
	uint64_t since, now = now_ms();
	struct actor *a;
	unsigned int i;

	for (i = 0; i < shared->num_actors; i++) {
		a = &shared->actor[i];
		since = a->since;
		if (!a->pid || !since || now < since + seconds * 1000ull)
			continue;
		printf("%s%u, for %llu s: %s\n", a->name, a->number,
		       (unsigned long long)(now - since) / 1000, a->doing);
		show_stack(a->pid);
		if (a->child > 0)
			show_stack(a->child);
	}
}

/* the number of actors that are still there; ends all if one hangs */
static unsigned int watch(unsigned int limit)
{
	unsigned int i, alive = 0, hung = 0;
	struct actor *a;
	uint64_t since;
	int status;

	for (i = 0; i < shared->num_actors; i++) {
		a = &shared->actor[i];
		if (a->pid && waitpid(a->pid, &status, WNOHANG) == a->pid) {
			if (status)
				wrong(a, "ended with status %#x in '%s'", status, a->doing);
			a->pid = 0;
		}
		alive += a->pid != 0;
		since = a->since;
		if (!a->pid || !since || now_ms() < since + limit * 1000ull)
			continue;
		hung++;
		wrong(a, "hung for %llu s: %s", (unsigned long long)(now_ms() - since) / 1000,
		      a->doing);
	}
	if (hung)
		show_stacks(20);
	for (i = 0; hung && i < shared->num_actors; i++)
		if (shared->actor[i].pid)
			kill(shared->actor[i].pid, SIGKILL);
	return hung ? 0 : alive;
}

/* returns how often something was wrong */
static unsigned int show(void)
{
	unsigned int i, j, bad = 0;
	struct actor *a;

	for (i = 0; i < shared->num_actors; i++) {
		a = &shared->actor[i];
		printf("%s%u | %u |", a->name, a->number, a->acts);
		for (j = 0; j < MAX_OUTCOMES && a->outcome[j].times; j++)
			printf("%s %s %u", j ? "," : "", a->outcome[j].what, a->outcome[j].times);
		printf("\n");
		bad += a->bad;
	}
	printf("%u wrong\n", bad);
	return bad;
}

static int usage(void)
{
	unsigned int i;

	fputs("usage: races [-i] [-s SEED] [-t SECONDS] [-l LIMIT] [-p PERCENT] [-a ACTOR,...] PF\n"
	      "actors:\n", stderr);
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		fprintf(stderr, "  %s\n", kinds[i].name);
	return 2;
}

static bool prepare(const char *self)
{
	pthread_mutexattr_t mutex_attr;
	pthread_rwlockattr_t attr;
	const char *slash;

	if (access(pf_path("sriov_numvfs"), W_OK)) {
		fprintf(stderr, "races: %s: %s\n", pf_path("sriov_numvfs"), strerror(errno));
		return false;
	}
	slash = strrchr(self, '/');
	snprintf(client, sizeof(client), "%.*svfio-client", slash ? (int)(slash + 1 - self) : 0,
		 self);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (shared == MAP_FAILED)
		return false;
	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_init(&mutex_attr);
	pthread_mutexattr_setpshared(&mutex_attr, PTHREAD_PROCESS_SHARED);
	return !pthread_rwlock_init(&shared->core, &attr) &&
	       !pthread_mutex_init(&shared->reset, &mutex_attr);
}

int main(int argc, char **argv)
{
	unsigned int seconds = 60, limit = 240, percent = 100;
	unsigned long seed = time(NULL);
	const char *names = NULL;
	uint64_t until;
	int option;

	while ((option = getopt(argc, argv, "ia:l:p:s:t:")) != -1)
		switch (option) {
		case 'i':
			use_iommufd = true;
			break;
		case 'a':
			names = optarg;
			break;
		case 'l':
			limit = strtoul(optarg, NULL, 0);
			break;
		case 'p':
			percent = strtoul(optarg, NULL, 0);
			break;
		case 's':
			seed = strtoul(optarg, NULL, 0);
			break;
		case 't':
			seconds = strtoul(optarg, NULL, 0);
			break;
		default:
			return usage();
		}
	if (optind != argc - 1)
		return usage();
	pf = argv[optind];
	/* whoever started this may ignore the ends of children */
	signal(SIGCHLD, SIG_DFL);
	if (!prepare(argv[0]))
		return 2;
	printf("seed %lu\n", seed);
	fflush(stdout);
	start(seed, names, percent);
	if (!shared->num_actors)
		return usage();
	until = now_ms() + seconds * 1000ull;
	while (watch(limit)) {
		if (now_ms() >= until)
			__atomic_store_n(&shared->stop, true, __ATOMIC_SEQ_CST);
		sleep_ms(100);
	}
	return show() != 0;
}
