// Memory, streams and recordings: see core.h.
#include "core.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <set>

namespace on_cpu {
namespace {

struct Block { size_t size; bool device; };

std::recursive_mutex lock;
std::map<const char*, Block> blocks;
size_t used = 0;
const size_t TOTAL = size_t(16) << 30;  // what the device says it has
std::set<Stream*> streams;
Stream default_stream;
int failure = Success;  // of the work that is being done

const struct { int code; const char *name, *text; } ERRORS[] = {
    {Success, "cudaSuccess", "no error"},
    {InvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {OutOfMemory, "cudaErrorMemoryAllocation", "out of memory"},
    {InvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
    {InvalidImage, "cudaErrorInvalidKernelImage", "device kernel image is invalid"},
    {InvalidHandle, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
    {NotFound, "cudaErrorSymbolNotFound", "named symbol not found"},
    {LaunchFailed, "cudaErrorLaunchFailure", "unspecified launch failure"},
    {NotSupported, "cudaErrorNotSupported",
     "operation not supported by the CPU's stand-in for CUDA (its name is on the error output)"},
    {CaptureUnsupported, "cudaErrorStreamCaptureUnsupported",
     "operation not permitted when stream is capturing"},
    {CaptureInvalidated, "cudaErrorStreamCaptureInvalidated",
     "operation failed due to a previous error during capture"},
    {CaptureImplicit, "cudaErrorStreamCaptureImplicit",
     "operation would make the legacy stream depend on a capturing blocking stream"},
    {CapturedEvent, "cudaErrorCapturedEvent",
     "operation not permitted on an event last recorded in a capturing stream"},
};

}  // namespace

const char* error_name(int error) {
    for (const auto& e : ERRORS) if (e.code == error) return e.name;
    return "cudaErrorUnknown";
}

const char* error_text(int error) {
    for (const auto& e : ERRORS) if (e.code == error) return e.text;
    return "unknown error";
}

int missing(const char* name) {
    std::fprintf(stderr, "CUDA on the CPU has no %s\n", name);
    return NotSupported;
}

Stream* stream_of(void* handle) {
    if (reinterpret_cast<uintptr_t>(handle) <= 2) return &default_stream;
    std::lock_guard<std::recursive_mutex> guard(lock);
    auto found = streams.find(static_cast<Stream*>(handle));
    return found == streams.end() ? nullptr : *found;
}

void* add_stream(unsigned flags, int priority) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    Stream* stream = new Stream;
    stream->flags = flags;
    stream->priority = priority;
    streams.insert(stream);
    return stream;
}

int remove_stream(void* handle) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    Stream* stream = static_cast<Stream*>(handle);
    if (!streams.erase(stream)) return InvalidHandle;
    delete stream->graph;
    delete stream;
    return Success;
}

int submit(void* handle, Work work) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    Stream* stream = stream_of(handle);
    if (!stream) return InvalidHandle;
    if (stream->graph) {
        if (stream->broken) return CaptureInvalidated;
        stream->graph->work.push_back(std::move(work));
        return Success;
    }
    if (stream == &default_stream)
        // the default stream would first wait for every stream that does not say otherwise
        for (Stream* other : streams)
            if (other->graph && !(other->flags & 1)) {
                other->broken = true;
                return CaptureImplicit;
            }
    failure = Success;
    work();
    return failure;
}

void failed(int error) { failure = error; }

int wait_for(void* handle) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    Stream* stream = stream_of(handle);
    if (!stream) return InvalidHandle;
    if (stream->graph) {
        stream->broken = true;
        return CaptureUnsupported;
    }
    return submit(handle, [] {});
}

int wait_for_all() {
    std::lock_guard<std::recursive_mutex> guard(lock);
    int error = Success;
    for (Stream* stream : streams)
        if (stream->graph) {
            stream->broken = true;
            error = CaptureUnsupported;
        }
    return error;
}

int unsafe() {
    std::lock_guard<std::recursive_mutex> guard(lock);
    for (Stream* stream : streams)
        if (stream->graph && stream->mode != 2) {
            stream->broken = true;
            return CaptureUnsupported;
        }
    return Success;
}

int begin_capture(void* handle, int mode) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    Stream* stream = stream_of(handle);
    if (!stream) return InvalidHandle;
    if (stream == &default_stream) return CaptureUnsupported;
    if (stream->graph) return InvalidValue;
    stream->graph = new Graph;
    stream->mode = mode;
    stream->broken = false;
    return Success;
}

int end_capture(void* handle, Graph** graph) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    Stream* stream = stream_of(handle);
    *graph = nullptr;
    if (!stream) return InvalidHandle;
    if (!stream->graph) return InvalidValue;
    *graph = stream->graph;
    stream->graph = nullptr;
    if (!stream->broken) return Success;
    delete *graph;
    *graph = nullptr;
    return CaptureInvalidated;
}

int allocate(void** pointer, size_t size, bool device) {
    *pointer = nullptr;
    if (!size) return Success;
    std::lock_guard<std::recursive_mutex> guard(lock);
    if (int error = unsafe()) return error;
    if (size > TOTAL || (device && used > TOTAL - size)) return OutOfMemory;
    void* made = nullptr;
    if (posix_memalign(&made, 512, size)) return OutOfMemory;
    std::memset(made, 0xFF, size);
    blocks[static_cast<char*>(made)] = {size, device};
    if (device) used += size;
    *pointer = made;
    return Success;
}

int release(void* pointer, bool device) {
    if (!pointer) return Success;
    std::lock_guard<std::recursive_mutex> guard(lock);
    auto found = blocks.find(static_cast<char*>(pointer));
    if (found == blocks.end() || found->second.device != device) return InvalidValue;
    if (int error = unsafe()) return error;
    if (device) used -= found->second.size;
    blocks.erase(found);
    std::free(pointer);
    return Success;
}

bool find_block(const void* pointer, void** start, size_t* size, bool* device) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    auto after = blocks.upper_bound(static_cast<const char*>(pointer));
    if (after == blocks.begin()) return false;
    const auto& [first, block] = *--after;
    if (static_cast<const char*>(pointer) >= first + block.size) return false;
    *start = const_cast<char*>(first);
    *size = block.size;
    *device = block.device;
    return true;
}

void memory_info(size_t* free, size_t* total) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    *total = TOTAL;
    *free = TOTAL - used;
}

}  // namespace on_cpu
