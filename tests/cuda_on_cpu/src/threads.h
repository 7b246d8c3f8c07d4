// How a kernel that was compiled for the CPU is called, and how the threads of a block take turns.
#pragma once

#include <cstddef>

namespace on_cpu {

struct Size { unsigned x, y, z; };

// What a compiled kernel tells of itself; its shared object has one for each kernel.
struct Kernel {
    void (*run)(Size grid, Size block, void** params);
    size_t count;         // of parameters
    const size_t* sizes;  // of each, in bytes
    size_t shared;        // bytes of shared memory that all kernels of the object declare
};

// Dynamic shared memory of the block that runs.
extern "C" void* on_cpu_dynamic_shared(size_t* size);
void set_dynamic_shared(size_t size);

// Runs all threads of a block, each on a stack of its own. `thread` is called with `context`;
// `place` holds the index of the thread that runs.
extern "C" void on_cpu_run_block(Size block, Size* place, void (*thread)(void*), void* context);
extern "C" void on_cpu_barrier();       // of the block
extern "C" void on_cpu_warp_barrier();  // of the warp
// Gives `value` to the others of the warp, and takes that of lane `from`; 0 where there is none.
extern "C" unsigned long long on_cpu_exchange(unsigned long long value, int from);
// Which lanes of the warp said true.
extern "C" unsigned on_cpu_ballot(bool value);

}  // namespace on_cpu
