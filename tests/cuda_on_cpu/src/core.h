// What the stand-ins for CUDA's libraries share: errors, memory, streams and what they record.
//
// Memory is the host's. Work is done when it is asked for, before the call returns, so every
// stream is in order, and what waits for a stream or an event never waits long. A stream that is
// recorded keeps the work instead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace on_cpu {

// The runtime's numbers and the driver's are the same for these.
enum Error {
    Success = 0, InvalidValue = 1, OutOfMemory = 2, InvalidDevice = 101, InvalidImage = 200,
    InvalidHandle = 400, NotFound = 500, LaunchFailed = 719, NotSupported = 801,
    CaptureUnsupported = 900, CaptureInvalidated = 901, CaptureImplicit = 906, CapturedEvent = 907,
};
const char* error_name(int error);
const char* error_text(int error);

// Says on the error output that something is not there; returns NotSupported.
int missing(const char* name);

using Work = std::function<void()>;
struct Graph { std::vector<Work> work; };

struct Stream {
    unsigned flags = 0;      // 1: it does not wait for the default stream
    int priority = 0;
    int mode = 0;            // of the recording: 0 global, 1 of this thread, 2 relaxed
    Graph* graph = nullptr;  // what is recorded, or null
    bool broken = false;     // an operation came that a recording forbids
};

// A stream of CUDA's API: null, 1 and 2 are the default stream. Null if it is none.
Stream* stream_of(void* handle);
void* add_stream(unsigned flags, int priority);
int remove_stream(void* handle);

// Does the work or records it. What work reports by `failed` is the result of the call that did it.
int submit(void* stream, Work work);
void failed(int error);
// What waits: refused, and the recording broken, where `stream` is recorded; with no stream
// given, where any is. `work` is done if it may be.
int wait_for(void* stream);
int wait_for_all();
// What a recording in the global mode forbids, such as to allocate.
int unsafe();

int begin_capture(void* stream, int mode);
int end_capture(void* stream, Graph** graph);

// Memory that the device may use; it begins as bytes 0xFF, which are NaN and -1.
int allocate(void** pointer, size_t size, bool device);
int release(void* pointer, bool device);
// The block that a pointer lies in: false if in none.
bool find_block(const void* pointer, void** start, size_t* size, bool* device);
void memory_info(size_t* free, size_t* total);

}  // namespace on_cpu
