// libcuda.so.1: modules, which are shared objects made by compiler.py, and launches.
#include <dlfcn.h>
#include <elf.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>

#include "core.h"
#include "threads.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

using namespace on_cpu;

namespace {

struct Function {
    const Kernel* kernel;
    std::string name;
    int dynamic_shared = 48 << 10;  // bytes that a launch may ask for
};

std::recursive_mutex launching;  // blocks run one after another: their indices are the object's

#ifdef __SANITIZE_ADDRESS__
// AddressSanitizer knows the place in memory; this says which kernel it was.
std::string running;
void say_kernel(const char*) {
    std::fprintf(stderr, "it was in the kernel %s\n", running.empty() ? "(none)" : running.c_str());
}
struct Say { Say() { __asan_set_error_report_callback(say_kernel); } } say;
#endif

// The size of an ELF file in memory: the table of its sections is its last part.
size_t image_size(const void* image) {
    const auto* header = static_cast<const Elf64_Ehdr*>(image);
    if (std::memcmp(header->e_ident, ELFMAG, SELFMAG)) return 0;
    return header->e_shoff + size_t(header->e_shnum) * header->e_shentsize;
}

int open_object(void** module, const char* path) {
    *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (*module) return Success;
    std::fprintf(stderr, "CUDA on the CPU cannot load a kernel: %s\n", dlerror());
    return InvalidImage;
}

int launch(const Function& function, Size grid, Size block, unsigned shared, void* stream,
           void** params) {
    const Kernel& kernel = *function.kernel;
    const unsigned long long threads = 1ull * block.x * block.y * block.z;
    if (!threads || threads > 1024 || block.x > 1024 || block.y > 1024 || block.z > 64 || !grid.x
            || !grid.y || !grid.z || grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535
            || shared > unsigned(function.dynamic_shared)
            || kernel.shared + shared > size_t(227) << 10)
        return InvalidValue;
    // a launch that is recorded keeps its arguments
    auto copies = std::make_shared<std::vector<std::string>>();
    for (size_t k = 0; k < kernel.count; ++k)
        copies->emplace_back(static_cast<char*>(params[k]), kernel.sizes[k]);
    return submit(stream, [=, &kernel, name = function.name] {
        std::lock_guard<std::recursive_mutex> guard(launching);
        std::vector<void*> arguments;
        for (std::string& copy : *copies) arguments.push_back(copy.data());
        set_dynamic_shared(shared);
#ifdef __SANITIZE_ADDRESS__
        running = name;
#endif
        kernel.run(grid, block, arguments.data());
    });
}

}  // namespace

extern "C" {

int cuInit(unsigned) { return Success; }
int cuDriverGetVersion(int* version) { *version = 12090; return Success; }
int cuGetErrorName(int error, const char** name) { *name = error_name(error); return Success; }
int cuGetErrorString(int error, const char** text) { *text = error_text(error); return Success; }

int cuCtxGetCurrent(void** context) { *context = &launching; return Success; }
int cuCtxSetCurrent(void*) { return Success; }
int cuCtxGetDevice(int* device) { *device = 0; return Success; }

int cuModuleLoad(void** module, const char* path) { return open_object(module, path); }

int cuModuleLoadData(void** module, const void* image) {
    const size_t size = image_size(image);
    if (!size) return InvalidImage;
    char path[] = "/tmp/cuda-on-cpu-XXXXXX";  // a name of its own: the loader goes by names
    const int file = mkstemp(path);
    if (file < 0) return OutOfMemory;
    size_t done = 0;
    while (done < size) {
        const ssize_t n = write(file, static_cast<const char*>(image) + done, size - done);
        if (n <= 0) break;
        done += n;
    }
    close(file);
    const int error = done < size ? int(OutOfMemory) : open_object(module, path);
    unlink(path);
    return error;
}

// The code stays: a graph may launch it yet.
int cuModuleUnload(void*) { return Success; }

int cuModuleGetFunction(void** function, void* module, const char* name) {
    auto* kernel = static_cast<const Kernel*>(
        dlsym(module, (std::string("on_cpu_kernel_") + name).c_str()));
    if (!kernel) return NotFound;
    *function = new Function{kernel, name};
    return Success;
}

int cuFuncGetAttribute(int* value, int attribute, void* function) {
    const auto& f = *static_cast<Function*>(function);
    switch (attribute) {
        case 0: *value = 1024; return Success;                 // threads of a block
        case 1: *value = int(f.kernel->shared); return Success;
        case 2: case 3: case 7: *value = 0; return Success;    // constants, local memory, caching
        case 4: *value = 32; return Success;                   // registers
        case 5: case 6: *value = 90; return Success;           // the architecture
        case 8: *value = f.dynamic_shared; return Success;
        case 9: *value = -1; return Success;                   // the share of shared memory
    }
    return missing(("cuFuncGetAttribute " + std::to_string(attribute)).c_str());
}

int cuFuncSetAttribute(void* function, int attribute, int value) {
    auto& f = *static_cast<Function*>(function);
    if (attribute == 8) {
        if (value < 0 || size_t(value) + f.kernel->shared > size_t(227) << 10) return InvalidValue;
        f.dynamic_shared = value;
    }
    return attribute == 8 || attribute == 9 ? int(Success) : int(InvalidValue);
}

int cuLaunchKernel(void* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                   unsigned bz, unsigned shared, void* stream, void** params, void** extra) {
    if (!function) return InvalidHandle;
    if (extra) return missing("cuLaunchKernel with packed parameters");
    return launch(*static_cast<Function*>(function), {gx, gy, gz}, {bx, by, bz}, shared, stream,
                  params);
}

int cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, void*, int size, size_t) {
    *blocks = size > 0 ? 2048 / size : 0;
    return Success;
}

int cuOccupancyMaxPotentialBlockSize(int* grid, int* block, void*, size_t (*)(int), size_t,
                                     int limit) {
    *block = limit > 0 && limit < 1024 ? limit : 1024;
    *grid = 2 * 132;
    return Success;
}

}  // extern "C"
