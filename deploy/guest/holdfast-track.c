/* Lets the agent ask the kernel which pages of a guest were written (ioctl PAGEMAP_SCAN, Linux 6.7 and later).
 *
 *   cc -O2 -shared -fPIC -o holdfast-track.so holdfast-track.c
 *   LD_PRELOAD=/path/holdfast-track.so qemu-system-x86_64 ...
 *
 * Only the process that has the memory may register it with userfaultfd, so this runs inside QEMU: every large, shared,
 * writable mapping of a file, which is what memory-backend-file with share=on makes, is registered for asynchronous write
 * protection. Without the agent that costs nothing: no page is protected before the first scan. On a kernel without it
 * QEMU runs as if this were not there, and the agent says why it compares all memory instead. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef UFFD_FEATURE_WP_HUGETLBFS_SHMEM
#define UFFD_FEATURE_WP_HUGETLBFS_SHMEM (1 << 12)
#endif
#define WP_UNPOPULATED (1 << 13) /* linux/userfaultfd.h of Linux 6.4 and 6.7; Debian 12 has 6.1's */
#define WP_ASYNC (1 << 15)
#define SMALLEST_GUEST_BYTES (8UL << 20)

static void track(void *memory, size_t bytes)
{
    /* Stays open as long as the process: closing it would end the registration. Nobody has to handle faults of asynchronous write
     * protection, those of the kernel neither, and without that right a QEMU needs no CAP_SYS_PTRACE (userfaultfd(2)). */
    int fault = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
    struct uffdio_api api = {.api = UFFD_API,
                             .features = UFFD_FEATURE_WP_HUGETLBFS_SHMEM | WP_UNPOPULATED | WP_ASYNC};
    struct uffdio_register range = {.range = {(unsigned long) memory, bytes}, .mode = UFFDIO_REGISTER_MODE_WP};

    if (fault >= 0 && (ioctl(fault, UFFDIO_API, &api) < 0 || ioctl(fault, UFFDIO_REGISTER, &range) < 0))
        close(fault);
}

void *mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset)
{
    void *memory = (void *) syscall(SYS_mmap, address, bytes, protection, flags, file, offset);
    struct stat facts;

    if (memory != MAP_FAILED && file >= 0 && bytes >= SMALLEST_GUEST_BYTES && (flags & MAP_SHARED)
        && (protection & PROT_WRITE) && fstat(file, &facts) == 0 && S_ISREG(facts.st_mode))
        track(memory, bytes);
    return memory;
}

void *mmap64(void *address, size_t bytes, int protection, int flags, int file, off_t offset)
{
    return mmap(address, bytes, protection, flags, file, offset);
}
