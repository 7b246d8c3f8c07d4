// libcublas.so.12: every product as one of matrices with strides, which blas.py computes by NumPy.
#include <cstring>
#include <string>

#include "core.h"

using namespace on_cpu;

namespace {

enum { Ok = 0, NotInitialized = 1, BadValue = 7, ExecutionFailed = 13, Unsupported = 15 };
enum Type { Float = 0, Double = 1, Half = 2 };  // cudaDataType
enum Operation { N = 0, T = 1, C = 2 };         // cublasOperation_t

struct Handle { void* stream = nullptr; int pointer_mode = 0, math_mode = 0; };

// Numbers in memory; strides in elements.
struct Matrix {
    void* data;
    int type;
    int64_t rows, columns, row_stride, column_stride, batch_stride;
};

// c = alpha a b + beta c for each of a batch; not 0 if that failed
int (*product)(const Matrix*, const Matrix*, const Matrix*, double alpha, double beta,
               int64_t batch) = nullptr;

double number(const void* at, int type) {
    return type == Double ? *static_cast<const double*>(at) : *static_cast<const float*>(at);
}

// A matrix in columns, or its transpose.
Matrix in_columns(const void* data, int type, int operation, int64_t rows, int64_t columns,
                  int64_t leading, int64_t batch_stride) {
    Matrix m{const_cast<void*>(data), type, rows, columns, 1, leading, batch_stride};
    if (operation != N) { m.row_stride = leading; m.column_stride = 1; }
    return m;
}

int multiply(void* handle, Matrix a, Matrix b, Matrix c, const void* alpha, const void* beta,
             int scalar, int64_t batch = 1) {
    const Handle& h = *static_cast<Handle*>(handle);
    if (!product) return NotInitialized;
    // numbers in host memory are read now; those of the device, when the work is done
    const bool now = h.pointer_mode == 0;
    const double x = now ? number(alpha, scalar) : 0, y = now ? number(beta, scalar) : 0;
    const int error = submit(h.stream, [=] {
        if (product(&a, &b, &c, now ? x : number(alpha, scalar), now ? y : number(beta, scalar),
                    batch)) failed(LaunchFailed);
    });
    return error ? int(ExecutionFailed) : int(Ok);
}

int gemm(void* handle, int opa, int opb, int64_t m, int64_t n, int64_t k, const void* alpha,
         const void* a, int type_a, int64_t lda, int64_t step_a, const void* b, int type_b,
         int64_t ldb, int64_t step_b, const void* beta, void* c, int type_c, int64_t ldc,
         int64_t step_c, int64_t batch, int scalar) {
    const int64_t rows_a = opa == N ? m : k, rows_b = opb == N ? k : n;
    const bool known = type_a <= Half && type_b <= Half && type_c <= Half;
    if (!known) { missing("a cuBLAS product of this type"); return Unsupported; }
    if (m < 0 || n < 0 || k < 0 || lda < (rows_a > 1 ? rows_a : 1)
            || ldb < (rows_b > 1 ? rows_b : 1) || ldc < (m > 1 ? m : 1)) return BadValue;
    return multiply(handle, in_columns(a, type_a, opa, m, k, lda, step_a),
                    in_columns(b, type_b, opb, k, n, ldb, step_b),
                    in_columns(c, type_c, N, m, n, ldc, step_c), alpha, beta, scalar, batch);
}

// cublasComputeType_t: what the factors alpha and beta are
int scalar_of(int compute) { return compute == 70 || compute == 71 ? Double : Float; }
bool computes(int compute) {
    return compute == 68 || compute == 69 || compute == 77 || compute == 70 || compute == 71;
}

template <class F, int type>
int gemv(void* h, int op, int m, int n, const F* alpha, const F* a, int lda, const F* x, int incx,
         const F* beta, F* y, int incy) {
    const int rows = op == N ? m : n, columns = op == N ? n : m;
    if (incx <= 0 || incy <= 0) { missing("cublas gemv with a step back"); return Unsupported; }
    return multiply(h, in_columns(a, type, op, rows, columns, lda, 0),
                    Matrix{const_cast<F*>(x), type, columns, 1, incx, 0, 0},
                    Matrix{y, type, rows, 1, incy, 0, 0}, alpha, beta, type);
}

template <class F, int type>
int ger(void* h, int m, int n, const F* alpha, const F* x, int incx, const F* y, int incy, F* a,
        int lda) {
    static const F one = 1;
    if (static_cast<Handle*>(h)->pointer_mode) { missing("cublas ger of device numbers");
                                                 return Unsupported; }
    return multiply(h, Matrix{const_cast<F*>(x), type, m, 1, incx, 0, 0},
                    Matrix{const_cast<F*>(y), type, 1, n, 0, incy, 0},
                    in_columns(a, type, N, m, n, lda, 0), alpha, &one, type);
}

template <class F, int type>
int dot(void* h, int n, const F* x, int incx, const F* y, int incy, F* result) {
    static const F one = 1, zero = 0;
    Handle by_host = *static_cast<Handle*>(h);
    by_host.pointer_mode = 0;
    return multiply(&by_host, Matrix{const_cast<F*>(x), type, 1, n, 0, incx, 0},
                    Matrix{const_cast<F*>(y), type, n, 1, incy, 0, 0},
                    Matrix{result, type, 1, 1, 1, 1, 0}, &one, &zero, type);
}

// c = alpha op(a) + beta op(b), element by element
template <class F>
int geam(void* h, int opa, int opb, int m, int n, const F* alpha, const F* a, int lda,
         const F* beta, const F* b, int ldb, F* c, int ldc) {
    if (static_cast<Handle*>(h)->pointer_mode) { missing("cublas geam of device numbers");
                                                 return Unsupported; }
    const F s = *alpha, t = *beta;
    const int error = submit(static_cast<Handle*>(h)->stream, [=] {
        for (int64_t j = 0; j < n; ++j)
            for (int64_t i = 0; i < m; ++i) {
                const F left = s ? s * (opa == N ? a[j * lda + i] : a[i * lda + j]) : 0;
                const F right = t ? t * (opb == N ? b[j * ldb + i] : b[i * ldb + j]) : 0;
                c[j * ldc + i] = left + right;
            }
    });
    return error ? int(ExecutionFailed) : int(Ok);
}

}  // namespace

extern "C" {

void on_cpu_set_product(int (*function)(const Matrix*, const Matrix*, const Matrix*, double, double,
                                        int64_t)) {
    product = function;
}

int cublasCreate_v2(void** handle) { *handle = new Handle; return Ok; }
int cublasDestroy_v2(void* handle) { delete static_cast<Handle*>(handle); return Ok; }
int cublasGetVersion_v2(void*, int* version) { *version = 120900; return Ok; }
int cublasSetStream_v2(void* h, void* s) { static_cast<Handle*>(h)->stream = s; return Ok; }
int cublasGetStream_v2(void* h, void** s) { *s = static_cast<Handle*>(h)->stream; return Ok; }
int cublasSetWorkspace_v2(void*, void*, size_t) { return Ok; }
int cublasSetPointerMode_v2(void* h, int m) { static_cast<Handle*>(h)->pointer_mode = m; return Ok; }
int cublasGetPointerMode_v2(void* h, int* m) { *m = static_cast<Handle*>(h)->pointer_mode; return Ok; }
int cublasSetMathMode(void* h, int m) { static_cast<Handle*>(h)->math_mode = m; return Ok; }
int cublasGetMathMode(void* h, int* m) { *m = static_cast<Handle*>(h)->math_mode; return Ok; }

int cublasGemmEx(void* h, int opa, int opb, int m, int n, int k, const void* alpha, const void* a,
                 int ta, int lda, const void* b, int tb, int ldb, const void* beta, void* c, int tc,
                 int ldc, int compute, int) {
    if (!computes(compute)) { missing("cublasGemmEx that computes in this type"); return Unsupported; }
    return gemm(h, opa, opb, m, n, k, alpha, a, ta, lda, 0, b, tb, ldb, 0, beta, c, tc, ldc, 0, 1,
                scalar_of(compute));
}
int cublasSgemmEx(void* h, int opa, int opb, int m, int n, int k, const float* alpha, const void* a,
                  int ta, int lda, const void* b, int tb, int ldb, const float* beta, void* c,
                  int tc, int ldc) {
    return gemm(h, opa, opb, m, n, k, alpha, a, ta, lda, 0, b, tb, ldb, 0, beta, c, tc, ldc, 0, 1,
                Float);
}
int cublasGemmStridedBatchedEx(void* h, int opa, int opb, int m, int n, int k, const void* alpha,
                               const void* a, int ta, int lda, long long sa, const void* b, int tb,
                               int ldb, long long sb, const void* beta, void* c, int tc, int ldc,
                               long long sc, int batch, int compute, int) {
    if (!computes(compute)) { missing("cublasGemmStridedBatchedEx that computes in this type");
                              return Unsupported; }
    return gemm(h, opa, opb, m, n, k, alpha, a, ta, lda, sa, b, tb, ldb, sb, beta, c, tc, ldc, sc,
                batch, scalar_of(compute));
}

#define FOR(S, F, type)                                                                            \
    int cublas##S##gemm_v2(void* h, int opa, int opb, int m, int n, int k, const F* alpha,         \
                           const F* a, int lda, const F* b, int ldb, const F* beta, F* c,          \
                           int ldc) {                                                              \
        return gemm(h, opa, opb, m, n, k, alpha, a, type, lda, 0, b, type, ldb, 0, beta, c, type,  \
                    ldc, 0, 1, type);                                                              \
    }                                                                                              \
    int cublas##S##gemmStridedBatched(void* h, int opa, int opb, int m, int n, int k,              \
                                      const F* alpha, const F* a, int lda, long long sa,           \
                                      const F* b, int ldb, long long sb, const F* beta, F* c,      \
                                      int ldc, long long sc, int batch) {                          \
        return gemm(h, opa, opb, m, n, k, alpha, a, type, lda, sa, b, type, ldb, sb, beta, c,      \
                    type, ldc, sc, batch, type);                                                   \
    }                                                                                              \
    int cublas##S##gemmBatched(void* h, int opa, int opb, int m, int n, int k, const F* alpha,     \
                               const F* const* a, int lda, const F* const* b, int ldb,             \
                               const F* beta, F* const* c, int ldc, int batch) {                   \
        int error = Ok;                                                                            \
        for (int i = 0; i < batch && !error; ++i)                                                  \
            error = cublas##S##gemm_v2(h, opa, opb, m, n, k, alpha, a[i], lda, b[i], ldb, beta,    \
                                       c[i], ldc);                                                 \
        return error;                                                                              \
    }                                                                                              \
    int cublas##S##gemv_v2(void* h, int op, int m, int n, const F* alpha, const F* a, int lda,     \
                           const F* x, int incx, const F* beta, F* y, int incy) {                  \
        return gemv<F, type>(h, op, m, n, alpha, a, lda, x, incx, beta, y, incy);                  \
    }                                                                                              \
    int cublas##S##ger_v2(void* h, int m, int n, const F* alpha, const F* x, int incx, const F* y, \
                          int incy, F* a, int lda) {                                               \
        return ger<F, type>(h, m, n, alpha, x, incx, y, incy, a, lda);                             \
    }                                                                                              \
    int cublas##S##dot_v2(void* h, int n, const F* x, int incx, const F* y, int incy, F* to) {     \
        return dot<F, type>(h, n, x, incx, y, incy, to);                                           \
    }                                                                                              \
    int cublas##S##geam(void* h, int opa, int opb, int m, int n, const F* alpha, const F* a,       \
                        int lda, const F* beta, const F* b, int ldb, F* c, int ldc) {              \
        return geam<F>(h, opa, opb, m, n, alpha, a, lda, beta, b, ldb, c, ldc);                    \
    }

FOR(S, float, Float)
FOR(D, double, Double)

}  // extern "C"
