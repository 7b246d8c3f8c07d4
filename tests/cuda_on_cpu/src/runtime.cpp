// The CUDA runtime's functions. CuPy's extension modules hold copies of the real ones; load.py
// sends their calls here.
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>

#include "core.h"

using namespace on_cpu;

namespace {

thread_local int last_error = Success;
int noted(int error) { if (error) last_error = error; return error; }

struct Event { double time = -1; bool captured = false; };

double now() {
    using namespace std::chrono;
    return duration<double, std::milli>(steady_clock::now().time_since_epoch()).count();
}

// cudaDeviceProp of CUDA 12, up to what is asked for
struct Properties {
    char name[256], uuid[16], luid[8];
    unsigned node_mask;
    size_t global_memory, shared_per_block;
    int registers, warp;
    size_t pitch;
    int threads_per_block, block[3], grid[3], clock;
    size_t constant_memory;
    int major, minor;
    size_t texture_alignment, texture_pitch_alignment;
    int overlap, multiprocessors, timeout, integrated, map_host, compute_mode;
    char rest[1032 - 408];
};
static_assert(sizeof(Properties) == 1032, "the size of cudaDeviceProp in CUDA 12");

const int MULTIPROCESSORS = 132;

struct Attribute { int code, value; };
const Attribute ATTRIBUTES[] = {
    {1, 1024}, {2, 1024}, {3, 1024}, {4, 64}, {5, 0x7fffffff}, {6, 65535}, {7, 65535},
    {8, 48 << 10}, {9, 64 << 10}, {10, 32}, {12, 65536}, {13, 1980000}, {14, 512},
    {16, MULTIPROCESSORS}, {17, 0}, {18, 0}, {19, 1}, {20, 0}, {31, 1}, {38, 50 << 20}, {39, 2048},
    {41, 1}, {75, 9}, {76, 0}, {78, 1}, {81, 233472}, {82, 65536}, {83, 0}, {88, 0}, {89, 0},
    {95, 1}, {97, 227 << 10}, {106, 32}, {115, 0},
};

enum Kind { HostToHost, HostToDevice, DeviceToHost, DeviceToDevice, Any };

// Whether `size` bytes from a pointer may be used: all in one block, or in none, which is memory
// that CUDA does not know and that only the host may use.
bool reaches(const void* pointer, size_t size, bool must_be_device) {
    void* start;
    size_t length;
    bool device;
    if (!find_block(pointer, &start, &length, &device)) return !must_be_device;
    const size_t offset = static_cast<const char*>(pointer) - static_cast<char*>(start);
    return (device || !must_be_device) && size <= length - offset;
}

bool may_copy(const void* to, const void* from, size_t size, int kind) {
    return kind >= HostToHost && kind <= Any
        && reaches(to, size, kind == HostToDevice || kind == DeviceToDevice)
        && reaches(from, size, kind == DeviceToHost || kind == DeviceToDevice);
}

}  // namespace

extern "C" {

int cudaGetLastError() { int error = last_error; last_error = Success; return error; }
int cudaPeekAtLastError() { return last_error; }
const char* cudaGetErrorName(int error) { return error_name(error); }
const char* cudaGetErrorString(int error) { return error_text(error); }
int cudaDriverGetVersion(int* version) { *version = 12090; return Success; }
int cudaRuntimeGetVersion(int* version) { *version = 12090; return Success; }

int cudaGetDevice(int* device) { *device = 0; return Success; }
int cudaSetDevice(int device) { return noted(device ? InvalidDevice : Success); }
int cudaGetDeviceCount(int* count) { *count = 1; return Success; }
int cudaDeviceSynchronize() { return noted(wait_for_all()); }
int cudaDeviceCanAccessPeer(int* can, int, int) { *can = 0; return Success; }

int cudaDeviceGetAttribute(int* value, int attribute, int device) {
    if (device) return noted(InvalidDevice);
    for (const Attribute& a : ATTRIBUTES)
        if (a.code == attribute) { *value = a.value; return Success; }
    return noted(missing(("cudaDeviceGetAttribute " + std::to_string(attribute)).c_str()));
}

int cudaGetDeviceProperties_v2(void* into, int device) {
    if (device) return noted(InvalidDevice);
    Properties p;
    std::memset(&p, 0, sizeof p);
    std::strcpy(p.name, "CPU in place of a GPU");
    size_t free;
    memory_info(&free, &p.global_memory);
    p.shared_per_block = 48 << 10;
    p.registers = 65536;
    p.warp = 32;
    p.pitch = 0x7fffffff;
    p.threads_per_block = p.block[0] = p.block[1] = 1024;
    p.block[2] = 64;
    p.grid[0] = 0x7fffffff;
    p.grid[1] = p.grid[2] = 65535;
    p.clock = 1980000;
    p.constant_memory = 64 << 10;
    p.major = 9;
    p.texture_alignment = 512;
    p.texture_pitch_alignment = 32;
    p.multiprocessors = MULTIPROCESSORS;
    std::memcpy(into, &p, sizeof p);
    return Success;
}

int cudaDeviceGetPCIBusId(char* id, int size, int) {
    std::snprintf(id, size, "0000:00:00.0");
    return Success;
}

// Memory

int cudaMalloc(void** pointer, size_t size) { return noted(allocate(pointer, size, true)); }
int cudaFree(void* pointer) { return noted(release(pointer, true)); }
int cudaHostAlloc(void** pointer, size_t size, unsigned) {
    return noted(allocate(pointer, size, false));
}
int cudaFreeHost(void* pointer) { return noted(release(pointer, false)); }
int cudaMemGetInfo(size_t* free, size_t* total) { memory_info(free, total); return Success; }

int cudaMemcpyAsync(void* to, const void* from, size_t size, int kind, void* stream) {
    if (!may_copy(to, from, size, kind)) return noted(InvalidValue);
    return noted(submit(stream, [=] { std::memmove(to, from, size); }));
}

int cudaMemcpy(void* to, const void* from, size_t size, int kind) {
    if (int error = unsafe()) return noted(error);
    return cudaMemcpyAsync(to, from, size, kind, nullptr);
}

int cudaMemsetAsync(void* to, int value, size_t size, void* stream) {
    if (!reaches(to, size, true)) return noted(InvalidValue);
    return noted(submit(stream, [=] { std::memset(to, value, size); }));
}

int cudaMemset(void* to, int value, size_t size) {
    return cudaMemsetAsync(to, value, size, nullptr);
}

int cudaPointerGetAttributes(void* into, const void* pointer) {
    struct { int type, device; void *on_device, *on_host; } a = {0, 0, nullptr, nullptr};
    void* start;
    size_t size;
    bool device;
    if (find_block(pointer, &start, &size, &device)) {
        a.type = device ? 2 : 1;
        a.on_device = const_cast<void*>(pointer);
        a.on_host = device ? nullptr : const_cast<void*>(pointer);
    } else {
        a.device = -2;
        a.on_host = const_cast<void*>(pointer);
    }
    std::memcpy(into, &a, sizeof a);
    return Success;
}

// Streams and events

int cudaStreamCreateWithPriority(void** stream, unsigned flags, int priority) {
    *stream = add_stream(flags, priority);
    return Success;
}
int cudaStreamCreateWithFlags(void** stream, unsigned flags) {
    return cudaStreamCreateWithPriority(stream, flags, 0);
}
int cudaStreamCreate(void** stream) { return cudaStreamCreateWithPriority(stream, 0, 0); }
int cudaStreamDestroy(void* stream) { return noted(remove_stream(stream)); }
int cudaStreamSynchronize(void* stream) { return noted(wait_for(stream)); }
int cudaStreamQuery(void* stream) { return noted(wait_for(stream)); }
int cudaStreamGetFlags(void* stream, unsigned* flags) {
    if (!stream_of(stream)) return noted(InvalidHandle);
    *flags = stream_of(stream)->flags;
    return Success;
}
int cudaStreamGetPriority(void* stream, int* priority) {
    if (!stream_of(stream)) return noted(InvalidHandle);
    *priority = stream_of(stream)->priority;
    return Success;
}

int cudaEventCreateWithFlags(void** event, unsigned) { *event = new Event; return Success; }
int cudaEventCreate(void** event) { return cudaEventCreateWithFlags(event, 0); }
int cudaEventDestroy(void* event) { delete static_cast<Event*>(event); return Success; }
int cudaEventRecord(void* event, void* stream) {
    Event* e = static_cast<Event*>(event);
    Stream* s = stream_of(stream);
    if (!s) return noted(InvalidHandle);
    e->captured = s->graph != nullptr;
    if (!e->captured) e->time = now();
    return Success;
}
int cudaEventSynchronize(void* event) {
    return noted(static_cast<Event*>(event)->captured ? CapturedEvent : Success);
}
int cudaEventQuery(void* event) { return cudaEventSynchronize(event); }
int cudaEventElapsedTime(float* time, void* start, void* end) {
    const Event &a = *static_cast<Event*>(start), &b = *static_cast<Event*>(end);
    if (a.captured || b.captured || a.time < 0 || b.time < 0) return noted(InvalidHandle);
    *time = float(b.time - a.time);
    return Success;
}
int cudaStreamWaitEvent(void* stream, void* event, unsigned) {
    Stream* s = stream_of(stream);
    if (!s) return noted(InvalidHandle);
    if (static_cast<Event*>(event)->captured != (s->graph != nullptr))
        return noted(missing("cudaStreamWaitEvent between a recorded stream and another"));
    return Success;
}
int cudaLaunchHostFunc(void* stream, void (*function)(void*), void* data) {
    return noted(submit(stream, [=] { function(data); }));
}

// Recordings

int cudaStreamBeginCapture(void* stream, int mode) { return noted(begin_capture(stream, mode)); }
int cudaStreamEndCapture(void* stream, void** graph) {
    return noted(end_capture(stream, reinterpret_cast<Graph**>(graph)));
}
int cudaStreamIsCapturing(void* stream, int* status) {
    Stream* s = stream_of(stream);
    if (!s) return noted(InvalidHandle);
    *status = !s->graph ? 0 : s->broken ? 2 : 1;
    return Success;
}
int cudaGraphInstantiate(void** exec, void* graph, unsigned long long) {
    *exec = new Graph(*static_cast<Graph*>(graph));
    return Success;
}
int cudaGraphLaunch(void* exec, void* stream) {
    Graph* graph = static_cast<Graph*>(exec);
    return noted(submit(stream, [=] { for (const Work& work : graph->work) work(); }));
}
int cudaGraphUpload(void*, void*) { return Success; }
int cudaGraphDestroy(void* graph) { delete static_cast<Graph*>(graph); return Success; }
int cudaGraphExecDestroy(void* exec) { delete static_cast<Graph*>(exec); return Success; }

int cudaProfilerStart() { return Success; }
int cudaProfilerStop() { return Success; }

}  // extern "C"
