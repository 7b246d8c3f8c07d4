// What CuPy's complex.cuh takes of this header of Thrust's, whose own includes half of the CCCL.
#pragma once

#define THRUST_NAMESPACE_BEGIN namespace thrust {
#define THRUST_NAMESPACE_END }
