# OpenBLAS is loaded at run time, so the build needs its header and the tests its library. Sets
# TANDEM_OPENBLAS_INCLUDE_DIR and TANDEM_OPENBLAS_LIBRARY (empty if there is none).

find_path(TANDEM_OPENBLAS_INCLUDE_DIR cblas.h
  HINTS ${TANDEM_OPENBLAS_DIR} PATH_SUFFIXES include openblas x86_64-linux-gnu)
if(NOT TANDEM_OPENBLAS_INCLUDE_DIR)
  message(FATAL_ERROR "cblas.h not found: give -DTANDEM_OPENBLAS_DIR=<directory of OpenBLAS>, "
    "which holds include/cblas.h and the library beside include/ or in lib/")
endif()

find_file(TANDEM_OPENBLAS_LIBRARY
  NAMES libopenblas.so.0 libopenblas.0.dylib libopenblas.dll
  HINTS ${TANDEM_OPENBLAS_DIR} ${TANDEM_OPENBLAS_DIR}/lib ${TANDEM_OPENBLAS_DIR}/bin
  PATHS ${CMAKE_SYSTEM_LIBRARY_PATH} PATH_SUFFIXES ${CMAKE_LIBRARY_ARCHITECTURE})
if(NOT TANDEM_OPENBLAS_LIBRARY)
  set(TANDEM_OPENBLAS_LIBRARY "")
endif()
