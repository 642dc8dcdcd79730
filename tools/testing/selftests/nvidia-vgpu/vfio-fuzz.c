// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hostile user of one vGPU: random calls, most of them wrong, as a user without privileges who
 * was given the device's descriptor; and a hostile guest: random accesses to configuration space
 * and BARs, resets.
 *
 *	vfio-fuzz [-g] [-i] [-n CALLS] [-r ROUNDS] [-s SEED] [-t THREADS] [-u UID] BDF
 *
 * -g plays the guest. -i opens the device's own node; without it, its group. In each round the
 * device is opened by root, and a process of user UID makes its part of the calls, in several
 * threads. The device is closed by their end, in every other round by one thread while the others
 * go on. The seed is printed: with it and one thread the same is done again.
 *
 * Prints how often each kind of call ended in what way, and "FAIL" for each call that worked and
 * must not: accesses and mappings outside of what the device has, flags and sizes that are not
 * there. What it may refuse, and when, is left open, as threads disturb each other. So that not all
 * is refused, a kind of call must have worked at least once. Exits with 1 after a FAIL.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "guest/vf.h"
#include "vfio-fuzz.h"

#define MAX_OPS		32
#define MAX_TOLD	4	/* failures of a kind of call that are printed */
#define NOBODY		65534
#define LONG_RUN	10000	/* calls in which each kind should have worked */
#define CALLS_PER_RESET	2000	/* one takes as long as so many others */
#define LEFT_AT_CLOSE	50	/* one part of the calls in so many comes when it is closed */

static const struct fuzz_op *ops;
static bool as_guest;
static unsigned long num_calls = 20000;
static unsigned int num_rounds = 4, num_threads = 3;
static uint64_t seed;
static uid_t uid = NOBODY;

/* of all processes */
static struct shared {
	atomic_ulong outcome[MAX_OPS][OUTCOMES];
	atomic_ulong us[MAX_OPS];
	atomic_ulong done;
	atomic_uint failures, told[MAX_OPS];
} *shared;

static __thread struct fuzz_thread *this_thread;
static __thread volatile sig_atomic_t armed;

/* ---- numbers --------------------------------------------------------------------------------- */

/* splitmix64 */
uint64_t fuzz_random(struct fuzz_thread *t)
{
	uint64_t z = t->random += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

uint64_t fuzz_below(struct fuzz_thread *t, uint64_t n)
{
	return n ? fuzz_random(t) % n : 0;
}

bool fuzz_one_in(struct fuzz_thread *t, unsigned int n)
{
	return !fuzz_below(t, n);
}

/* a place in or around something of that size */
uint64_t fuzz_edge(struct fuzz_thread *t, uint64_t size)
{
	const uint64_t edges[] = {
		0, 1, PAGE - 1, PAGE, size - PAGE, size - PAGE - 1, size - 8, size - 4, size - 1,
		size, size + 1, size + PAGE, 2 * size, 1ull << 31, 1ull << 32, 1ull << 39,
		(1ull << REGION_SHIFT) - 1, (1ull << REGION_SHIFT) - PAGE,
	};

	return (fuzz_one_in(t, 3) ? PICK(t, edges) : fuzz_below(t, size)) &
	       ((1ull << REGION_SHIFT) - 1);
}

/* ---- what became of it ----------------------------------------------------------------------- */

void fuzz_wrong(struct fuzz_thread *t, const char *fmt, ...)
{
	char text[256];
	va_list args;

	atomic_fetch_add(&shared->failures, 1);
	if (atomic_fetch_add(&shared->told[t->op], 1) >= MAX_TOLD)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	dprintf(STDOUT_FILENO, "FAIL thread %u: %s\n", t->number, text);
}

unsigned int fuzz_outcome(long ret)
{
	if (ret >= 0)
		return OUTCOME_OK;
	return errno > 0 && errno < MAX_ERRNO ? errno : MAX_ERRNO - 1;
}

/* false: so many were done already */
bool fuzz_may_reset(struct fuzz_thread *t)
{
	return atomic_fetch_sub(&t->fuzz->resets, 1) > 0;
}

static void on_fault(int sig)
{
	if (!armed) {
		signal(sig, SIG_DFL);
		return;
	}
	siglongjmp(this_thread->jump, 1);
}

#define ACCESS(type)					\
do {							\
	volatile type *q = (volatile type *)p;		\
							\
	if (write)					\
		*q = val;				\
	else						\
		val = *q;				\
} while (0)

/* of a mapping, if it is one */
unsigned int fuzz_access(struct fuzz_thread *t, volatile uint8_t *p, unsigned int width, bool write)
{
	uint64_t val = fuzz_random(t);

	if (sigsetjmp(t->jump, 0)) {
		armed = 0;
		return OUTCOME_SIGNAL;
	}
	armed = 1;
	switch (width) {
	case 1:
		ACCESS(uint8_t);
		break;
	case 2:
		ACCESS(uint16_t);
		break;
	case 4:
		ACCESS(uint32_t);
		break;
	default:
		ACCESS(uint64_t);
	}
	armed = 0;
	return OUTCOME_OK;
}

/* to a register that is mapped */
unsigned int fuzz_store(struct fuzz_thread *t, volatile uint8_t *p, uint32_t val)
{
	if (sigsetjmp(t->jump, 0)) {
		armed = 0;
		return OUTCOME_SIGNAL;
	}
	armed = 1;
	*(volatile uint32_t *)p = val;
	armed = 0;
	return OUTCOME_OK;
}

static void print_table(void)
{
	unsigned int i, n;
	unsigned long count;

	for (i = 0; ops[i].name; i++) {
		printf("# %-16s %lu ms:", ops[i].name, atomic_load(&shared->us[i]) / 1000);
		for (n = 0; n < OUTCOMES; n++) {
			count = atomic_load(&shared->outcome[i][n]);
			if (count)
				printf(" %s %lu", n == OUTCOME_OK ? "ok" :
				       n == OUTCOME_SIGNAL ? "signal" :
				       strerrorname_np(n) ?: "?", count);
		}
		putchar('\n');
		if (num_calls >= LONG_RUN && ops[i].useful &&
		    !atomic_load(&shared->outcome[i][OUTCOME_OK])) {
			printf("FAIL no %s has worked\n", ops[i].name);
			atomic_fetch_add(&shared->failures, 1);
		}
	}
}

/* ---- what all do ----------------------------------------------------------------------------- */

static int64_t region_at(unsigned int index, uint64_t pos)
{
	return (int64_t)((uint64_t)index << REGION_SHIFT | pos);
}

/* a write that resets the function is one of those that are counted */
unsigned int fuzz_config_write(struct fuzz_thread *t, uint64_t pos, void *data, size_t len)
{
	const struct fuzz *f = t->fuzz;
	uint64_t control = f->express + PCI_EXP_DEVCTL + 1;
	uint8_t *byte = (uint8_t *)data + (control - pos);

	if (f->express && pos <= control && control < pos + len && *byte & 0x80 &&
	    !fuzz_may_reset(t))
		*byte &= ~0x80;
	return fuzz_outcome(pwrite(f->dev.fd, data, len,
				   region_at(VFIO_PCI_CONFIG_REGION_INDEX, pos)));
}

/* memory, bus mastering and power as a driver wants them */
unsigned int fuzz_heal(struct fuzz_thread *t)
{
	uint16_t command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, power = 0;

	if (t->fuzz->pm)
		fuzz_config_write(t, t->fuzz->pm + PCI_PM_CTRL, &power, sizeof(power));
	return fuzz_config_write(t, PCI_COMMAND, &command, sizeof(command));
}

unsigned int fuzz_reset(struct fuzz_thread *t)
{
	if (!fuzz_may_reset(t))
		return OUTCOME(EAGAIN);
	return fuzz_outcome(ioctl(t->fuzz->dev.fd, VFIO_DEVICE_RESET));
}

/* what is sure of the bytes that were read */
static void check_bytes(struct fuzz_thread *t, unsigned int index, uint64_t pos, size_t len)
{
	const struct fuzz *f = t->fuzz;
	size_t i;

	for (i = 0; i < len; i++) {
		uint64_t at = pos + i;

		if (index == VFIO_PCI_CONFIG_REGION_INDEX &&
		    (at <= PCI_DEVICE_ID + 1 ||
		     (at >= PCI_SUBSYSTEM_VENDOR_ID && at <= PCI_SUBSYSTEM_ID + 1)) &&
		    t->room[i] != f->config[at])
			fuzz_wrong(t, "configuration space at %#llx reads %02x, was %02x",
				   (unsigned long long)at, t->room[i], f->config[at]);
		if (index == VFIO_PCI_BAR0_REGION_INDEX && at >= f->table &&
		    at < f->table + PCI_MSIX_ENTRY_SIZE && t->room[i] != 0xff)
			fuzz_wrong(t, "MSI-X table at %#llx reads %02x",
				   (unsigned long long)at, t->room[i]);
	}
}

/* one read or write; never more than is there, and nothing of what is not there */
unsigned int fuzz_rw(struct fuzz_thread *t, unsigned int index, uint64_t pos, size_t count,
		     bool write)
{
	uint64_t size = index < VFIO_PCI_NUM_REGIONS ? t->fuzz->size[index] : 0, i;
	ssize_t ret;

	for (i = 0; write && i < count && i < ROOM_SIZE; i += 8)
		*(uint64_t *)(t->room + i) = fuzz_random(t);
	if (write && index == VFIO_PCI_CONFIG_REGION_INDEX && count <= ROOM_SIZE)
		return fuzz_config_write(t, pos, t->room, count);
	ret = write ? pwrite(t->fuzz->dev.fd, t->room, count, region_at(index, pos)) :
		      pread(t->fuzz->dev.fd, t->room, count, region_at(index, pos));
	if (ret > 0 && (pos >= size || (uint64_t)ret > size - pos || (uint64_t)ret > count))
		fuzz_wrong(t, "%s %zu bytes at %#llx of region %u: %zd", write ? "write" : "read",
			   count, (unsigned long long)pos, index, ret);
	else if (ret > 0 && !write)
		check_bytes(t, index, pos, ret > ROOM_SIZE ? ROOM_SIZE : ret);
	return fuzz_outcome(ret);
}

/* ---- a round --------------------------------------------------------------------------------- */

static bool fail(const char *what)
{
	printf("FAIL %s %s\n", what, strerrorname_np(errno) ?: "?");
	atomic_fetch_add(&shared->failures, 1);
	fflush(stdout);
	return false;
}

static uint32_t config32(const struct fuzz *f, unsigned int pos)
{
	uint32_t val = 0xffffffff;

	if (pread(f->dev.fd, &val, 4, region_at(VFIO_PCI_CONFIG_REGION_INDEX, pos)) != 4)
		fail("configuration space");
	return val;
}

static void learn_capabilities(struct fuzz *f)
{
	unsigned int pos = config32(f, PCI_CAPABILITY_LIST) & 0xfc, left = 48;
	uint32_t header;

	for (; pos && left; pos = header >> 8 & 0xfc, left--) {
		header = config32(f, pos);
		switch (header & 0xff) {
		case PCI_CAP_ID_EXP:
			f->express = pos;
			break;
		case PCI_CAP_ID_PM:
			f->pm = pos;
			break;
		case PCI_CAP_ID_MSIX:
			f->table = config32(f, pos + PCI_MSIX_TABLE) & PCI_MSIX_TABLE_OFFSET;
			break;
		}
	}
}

/* its regions and ids, and what is wanted of it for a start */
static bool learn(struct fuzz *f)
{
	struct vfio_region_info info;
	struct fuzz_thread t = { .fuzz = f };
	unsigned int i;

	for (i = 0; i < VFIO_PCI_NUM_REGIONS; i++) {
		info = (struct vfio_region_info){ .argsz = sizeof(info), .index = i };
		/* there may be none for VGA */
		if (ioctl(f->dev.fd, VFIO_DEVICE_GET_REGION_INFO, &info))
			continue;
		f->size[i] = info.size;
		if (info.offset != (uint64_t)i << REGION_SHIFT)
			return fail("place of a region");
	}
	if (pread(f->dev.fd, f->config, sizeof(f->config),
		  region_at(VFIO_PCI_CONFIG_REGION_INDEX, 0)) != sizeof(f->config))
		return fail("configuration space");
	learn_capabilities(f);
	for (i = 0; i < EVENTFDS; i++)
		f->eventfd[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	f->arena = mmap(NULL, SLOTS * SLOT_SIZE, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (f->arena == MAP_FAILED)
		return fail("address space");
	for (i = 0; i < FDS; i++)
		f->fd[i] = -1;
	f->resets = 1 + num_calls / num_rounds / CALLS_PER_RESET;
	return !fuzz_heal(&t) || fail("command register");
}

/* nothing is left to a user but the descriptors */
static bool drop_privileges(void)
{
	if (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fail("privileges");
	errno = EPERM;
	return setuid(0) || fail("root again");
}

/* what follows the last page cannot be accessed */
static bool make_room(struct fuzz_thread *t)
{
	int fd = memfd_create("room", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, ROOM_SIZE))
		return fail("room");
	t->room = mmap(NULL, ROOM_SIZE + PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	t->fixed = mmap(NULL, ROOM_SIZE + PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (t->room == MAP_FAILED || t->fixed == MAP_FAILED ||
	    mmap(t->room, ROOM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) ==
	    MAP_FAILED ||
	    mmap(t->fixed, ROOM_SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
		return fail("room");
	close(fd);
	return true;
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ull + t.tv_nsec / 1000;
}

static void *run_thread(void *data)
{
	struct fuzz_thread *t = data;
	unsigned int i, weights = 0, outcome;
	uint64_t begin;
	unsigned long n;
	int64_t choice;

	this_thread = t;
	for (i = 0; ops[i].name; i++)
		weights += ops[i].weight;
	for (n = 0; n < t->calls; n++) {
		choice = fuzz_below(t, weights);
		for (i = 0; choice >= ops[i].weight; i++)
			choice -= ops[i].weight;
		t->op = i;
		begin = now_us();
		outcome = ops[i].run(t);
		atomic_fetch_add(&shared->us[i], now_us() - begin);
		atomic_fetch_add(&shared->outcome[i][outcome], 1);
		atomic_fetch_add(&shared->done, 1);
	}
	return NULL;
}

/*
 * The descriptor is closed while others use it. It keeps its number, which would be given to
 * another file else.
 */
static void close_early(struct fuzz *f, unsigned long until)
{
	int nothing = open("/", O_PATH | O_CLOEXEC);

	while (atomic_load(&shared->done) < until)
		usleep(1000);
	if (dup2(nothing, f->dev.fd) < 0)
		fail("close");
}

/* whatever was done to it, its user has only to put it right to use it again */
static void check_alive(struct fuzz *f)
{
	struct fuzz_thread t = { .fuzz = f };
	uint32_t boot0 = 0;

	f->resets = 1;
	if (ioctl(f->dev.fd, VFIO_DEVICE_RESET))
		fail("VFIO_DEVICE_RESET after a round");
	fuzz_heal(&t);
	if (pread(f->dev.fd, &boot0, 4, region_at(VFIO_PCI_BAR0_REGION_INDEX, VF_BOOT_0)) != 4 ||
	    VF_BOOT_0_CHIP(boot0) != VF_BOOT_0_CHIP_AD102)
		fail("BOOT_0 after a round");
}

static bool run_threads(struct fuzz *f, unsigned int round)
{
	struct fuzz_thread threads[MAX_THREADS] = { 0 };
	unsigned long calls = num_calls / num_rounds;
	pthread_t id[MAX_THREADS];
	unsigned int i;

	for (i = 0; i < num_threads; i++) {
		threads[i] = (struct fuzz_thread){
			.fuzz = f, .number = i, .calls = calls / num_threads,
		};
		threads[i].random = seed + ((uint64_t)round << 32) + i;
		/* neighbours begin far apart */
		threads[i].random = fuzz_random(&threads[i]);
		if (!make_room(&threads[i]))
			return false;
	}
	for (i = 0; i < num_threads; i++)
		if (pthread_create(&id[i], NULL, run_thread, &threads[i]))
			return fail("thread");
	if (round % 2)
		close_early(f, calls * round + calls - calls / LEFT_AT_CLOSE);
	for (i = 0; i < num_threads; i++)
		pthread_join(id[i], NULL);
	if (round % 2 == 0)
		check_alive(f);
	return true;
}

static void run_round(struct fuzz *f, unsigned int round)
{
	struct sigaction sa = { .sa_handler = on_fault, .sa_flags = SA_NODEFER };
	struct rlimit files = { .rlim_cur = 256, .rlim_max = 256 };
	const char *step;

	f->dev.buffer = mmap(NULL, BUFFER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			     -1, 0);
	f->dev.size = BUFFER_SIZE;
	step = vfio_dev_open(&f->dev);
	if (step) {
		fail(step);
		return;
	}
	sigaction(SIGBUS, &sa, NULL);
	sigaction(SIGSEGV, &sa, NULL);
	if (setrlimit(RLIMIT_NOFILE, &files))
		fail("files");
	if (learn(f) && drop_privileges())
		run_threads(f, round);
}

static void wait_round(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status)) {
		printf("FAIL a round ended early: status %#x\n", status);
		atomic_fetch_add(&shared->failures, 1);
	}
}

static int usage(void)
{
	fprintf(stderr,
		"usage: vfio-fuzz [-g] [-i] [-n CALLS] [-r ROUNDS] [-s SEED] [-t THREADS] [-u UID] BDF\n");
	return 2;
}

static bool parse(int argc, char **argv, struct fuzz *f)
{
	int option;

	f->dev.use_iommufd = vfio_dev_by_iommufd();
	while ((option = getopt(argc, argv, "gin:r:s:t:u:")) != -1)
		switch (option) {
		case 'g':
			as_guest = true;
			break;
		case 'i':
			f->dev.use_iommufd = true;
			break;
		case 'n':
			num_calls = strtoul(optarg, NULL, 0);
			break;
		case 'r':
			num_rounds = strtoul(optarg, NULL, 0);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 't':
			num_threads = strtoul(optarg, NULL, 0);
			break;
		case 'u':
			uid = strtoul(optarg, NULL, 0);
			break;
		default:
			return false;
		}
	f->dev.bdf = argv[optind];
	return optind == argc - 1 && num_rounds && num_threads && num_threads <= MAX_THREADS && uid;
}

int main(int argc, char **argv)
{
	static struct fuzz fuzz = { .dev = VFIO_DEV_NONE };
	unsigned int round, failures;
	pid_t pid;

	seed = time(NULL);
	if (!parse(argc, argv, &fuzz))
		return usage();
	ops = as_guest ? fuzz_guest_ops : fuzz_user_ops;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return 2;
	printf("# seed %llu, %lu calls in %u rounds, %u threads, user %u\n",
	       (unsigned long long)seed, num_calls, num_rounds, num_threads, uid);
	for (round = 0; round < num_rounds; round++) {
		fflush(stdout);
		/* the next one counts from where all of this would have been done */
		atomic_store(&shared->done, num_calls / num_rounds * round);
		pid = fork();
		if (!pid) {
			run_round(&fuzz, round);
			fflush(stdout);
			_exit(0);
		}
		wait_round(pid);
	}
	print_table();
	failures = atomic_load(&shared->failures);
	printf("%s vfio-fuzz %u failures, seed %llu\n", failures ? "FAIL" : "ok", failures,
	       (unsigned long long)seed);
	return failures != 0;
}
