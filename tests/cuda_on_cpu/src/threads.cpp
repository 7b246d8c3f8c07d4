// The threads of a block, one after another: each runs on a stack of its own until it comes to a
// barrier or to its end. A warp's barrier is passed when all of its 32 threads that can come to it
// have; a block's, when all of the block's have. Threads run in order of their index, or in the
// opposite order if the environment variable CUDA_ON_CPU_BACKWARDS is set: what a kernel computes
// must not depend on it.
#include "threads.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#else
// what AddressSanitizer has to be told of a change of stacks; without it, nothing
static void __sanitizer_start_switch_fiber(void**, const void*, size_t) {}
static void __sanitizer_finish_switch_fiber(void*, const void**, size_t*) {}
#endif

// Saves what a call must preserve, and the stack, in *from; goes on with what `to` saved.
extern "C" void on_cpu_switch(void** from, void* to);
asm(R"(
.text
.globl on_cpu_switch
.hidden on_cpu_switch
.type on_cpu_switch, @function
on_cpu_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size on_cpu_switch, .-on_cpu_switch
)");

namespace on_cpu {
namespace {

const size_t STACK = 64 << 10, PAGE = 4096;
const unsigned WARP = 32, MOST = 1024;

enum State { Ready, AtBarrier, AtWarpBarrier, Done };

struct Thread {
    State state;
    void* stack;              // where it goes on
    void* fake = nullptr;     // AddressSanitizer's
    Size place;
};

Thread threads[MOST];
char* stacks = nullptr;
unsigned current = 0;
void* scheduler = nullptr;
const void* scheduler_bottom = nullptr;
size_t scheduler_size = 0;
void (*entry)(void*);
void* entry_context;
unsigned long long given[MOST];
bool said[MOST];
std::vector<char> dynamic_shared;

char* bottom(unsigned k) { return stacks + k * (STACK + PAGE) + PAGE; }

void back(State state) {
    Thread& me = threads[current];
    me.state = state;
    __sanitizer_start_switch_fiber(state == Done ? nullptr : &me.fake, scheduler_bottom,
                                   scheduler_size);
    on_cpu_switch(&me.stack, scheduler);
    __sanitizer_finish_switch_fiber(me.fake, &scheduler_bottom, &scheduler_size);
}

void begin() {
    __sanitizer_finish_switch_fiber(nullptr, &scheduler_bottom, &scheduler_size);
    entry(entry_context);
    back(Done);
}

void make_stacks() {
    const size_t size = MOST * (STACK + PAGE);
    stacks = static_cast<char*>(mmap(nullptr, size, PROT_READ | PROT_WRITE,
                                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (stacks == MAP_FAILED) { std::perror("the stacks of a block's threads"); std::abort(); }
    for (unsigned k = 0; k < MOST; ++k) mprotect(bottom(k) - PAGE, PAGE, PROT_NONE);
}

void resume(unsigned k, Size* place) {
    current = k;
    *place = threads[k].place;
    void* fake = nullptr;
    __sanitizer_start_switch_fiber(&fake, bottom(k), STACK);
    on_cpu_switch(&scheduler, threads[k].stack);
    __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
}

// Until each thread of a warp is done or waits for the block.
void run_warp(unsigned first, unsigned end, Size* place, bool backwards) {
    for (bool again = true; again;) {
        for (unsigned k = first; k < end; ++k) {
            const unsigned t = backwards ? first + end - 1 - k : k;
            if (threads[t].state == Ready) resume(t, place);
        }
        again = false;
        for (unsigned k = first; k < end; ++k)
            if (threads[k].state == AtWarpBarrier) {
                threads[k].state = Ready;
                again = true;
            }
    }
}

}  // namespace

extern "C" void on_cpu_run_block(Size block, Size* place, void (*thread)(void*), void* context) {
    static const bool backwards = std::getenv("CUDA_ON_CPU_BACKWARDS") != nullptr;
    if (!stacks) make_stacks();
    const unsigned count = block.x * block.y * block.z;
    entry = thread;
    entry_context = context;
    for (unsigned k = 0; k < count; ++k) {
        // as after a call; and not all in the same lines of the processor's cache
        void** top = reinterpret_cast<void**>(bottom(k) + STACK - k % 32 * 128) - 2;
        *top = reinterpret_cast<void*>(&begin);
        threads[k].stack = top - 6;  // the registers that on_cpu_switch takes
        threads[k].state = Ready;
        threads[k].place = {k % block.x, k / block.x % block.y, k / block.x / block.y};
    }
    for (bool again = true; again;) {
        const unsigned warps = (count + WARP - 1) / WARP;
        for (unsigned w = 0; w < warps; ++w) {
            const unsigned first = (backwards ? warps - 1 - w : w) * WARP;
            run_warp(first, first + WARP < count ? first + WARP : count, place, backwards);
        }
        again = false;
        for (unsigned k = 0; k < count; ++k)
            if (threads[k].state == AtBarrier) {
                threads[k].state = Ready;
                again = true;
            }
    }
}

extern "C" void on_cpu_barrier() { back(AtBarrier); }
extern "C" void on_cpu_warp_barrier() { back(AtWarpBarrier); }

extern "C" unsigned long long on_cpu_exchange(unsigned long long value, int from) {
    given[current] = value;
    back(AtWarpBarrier);
    const unsigned long long taken = from < 0 ? 0 : given[current / WARP * WARP + from];
    back(AtWarpBarrier);
    return taken;
}

extern "C" unsigned on_cpu_ballot(bool value) {
    const unsigned first = current / WARP * WARP;
    said[current] = value;
    back(AtWarpBarrier);
    unsigned lanes = 0;
    for (unsigned k = 0; k < WARP; ++k)
        if (threads[first + k].state != Done && said[first + k]) lanes |= 1u << k;
    back(AtWarpBarrier);
    said[current] = false;
    return lanes;
}

void set_dynamic_shared(size_t size) { dynamic_shared.assign(size, char(0xFF)); }
extern "C" void* on_cpu_dynamic_shared(size_t* size) {
    *size = dynamic_shared.size();
    return dynamic_shared.data();
}

}  // namespace on_cpu
