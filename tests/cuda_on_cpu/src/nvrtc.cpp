// libnvrtc.so.12: keeps a program's text and what was asked of it; compiler.py compiles it.
#include <cstring>
#include <string>
#include <vector>

#include "core.h"

namespace {

enum { Ok = 0, InvalidProgram = 4, InvalidOption = 5, Compilation = 6, NoName = 10, Internal = 11 };

struct Program {
    std::string source, image, log;
    std::vector<std::string> expressions, lowered;
};

// of Python: the program, its source, its options and its expressions, one in a line
int (*compile)(void*, const char*, const char*, const char*) = nullptr;

const std::string PTX("// by CUDA on the CPU\n\0", 23);

int copy(const std::string& text, char* into) {
    std::memcpy(into, text.data(), text.size());
    return Ok;
}

}  // namespace

extern "C" {

void on_cpu_set_compiler(int (*function)(void*, const char*, const char*, const char*)) {
    compile = function;
}
// What Python gives back: the object, what the compiler said, the names of the expressions.
void on_cpu_compiled(void* program, const char* image, size_t size, const char* log) {
    Program& p = *static_cast<Program*>(program);
    p.image.assign(image, size);
    p.log = log;
    p.log += '\0';
}
void on_cpu_lowered(void* program, const char* name) {
    static_cast<Program*>(program)->lowered.push_back(name);
}

const char* nvrtcGetErrorString(int result) {
    switch (result) {
        case Ok: return "NVRTC_SUCCESS";
        case InvalidProgram: return "NVRTC_ERROR_INVALID_PROGRAM";
        case InvalidOption: return "NVRTC_ERROR_INVALID_OPTION";
        case Compilation: return "NVRTC_ERROR_COMPILATION";
        case NoName: return "NVRTC_ERROR_NAME_EXPRESSION_NOT_VALID";
    }
    return "NVRTC_ERROR_INTERNAL_ERROR";
}
int nvrtcVersion(int* major, int* minor) { *major = 12; *minor = 9; return Ok; }
int nvrtcGetNumSupportedArchs(int* count) { *count = 1; return Ok; }
int nvrtcGetSupportedArchs(int* archs) { *archs = 90; return Ok; }

int nvrtcCreateProgram(void** program, const char* source, const char*, int headers,
                       const char* const*, const char* const*) {
    if (headers) { on_cpu::missing("nvrtcCreateProgram with headers"); return Internal; }
    *program = new Program{source, "", std::string(1, '\0'), {}, {}};
    return Ok;
}
int nvrtcDestroyProgram(void** program) {
    delete static_cast<Program*>(*program);
    *program = nullptr;
    return Ok;
}
int nvrtcAddNameExpression(void* program, const char* expression) {
    static_cast<Program*>(program)->expressions.push_back(expression);
    return Ok;
}
int nvrtcCompileProgram(void* program, int count, const char* const* options) {
    Program& p = *static_cast<Program*>(program);
    std::string joined, expressions;
    for (int k = 0; k < count; ++k) joined += std::string(options[k]) + "\n";
    for (const std::string& e : p.expressions) expressions += e + "\n";
    if (!compile) return Internal;
    return compile(program, p.source.c_str(), joined.c_str(), expressions.c_str());
}
int nvrtcGetLoweredName(void* program, const char* expression, const char** name) {
    Program& p = *static_cast<Program*>(program);
    for (size_t k = 0; k < p.lowered.size(); ++k)
        if (p.expressions[k] == expression) { *name = p.lowered[k].c_str(); return Ok; }
    return NoName;
}
int nvrtcGetCUBINSize(void* p, size_t* n) { *n = static_cast<Program*>(p)->image.size(); return Ok; }
int nvrtcGetCUBIN(void* p, char* into) { return copy(static_cast<Program*>(p)->image, into); }
// Text that no module can be made of: CuPy reads the comments, to know the compiler by
int nvrtcGetPTXSize(void*, size_t* n) { *n = PTX.size(); return Ok; }
int nvrtcGetPTX(void*, char* into) { return copy(PTX, into); }
int nvrtcGetProgramLogSize(void* p, size_t* n) {
    *n = static_cast<Program*>(p)->log.size();
    return Ok;
}
int nvrtcGetProgramLog(void* p, char* into) { return copy(static_cast<Program*>(p)->log, into); }

}  // extern "C"
