# Compiler flags: the same warnings and the same arithmetic on every compiler.

# The value of CMAKE_SYSTEM_PROCESSOR differs by system, and macOS may build for another machine.
set(TANDEM_PROCESSOR ${CMAKE_SYSTEM_PROCESSOR})
if(CMAKE_OSX_ARCHITECTURES)
  set(TANDEM_PROCESSOR ${CMAKE_OSX_ARCHITECTURES})
endif()
string(TOLOWER "${TANDEM_PROCESSOR}" TANDEM_PROCESSOR)
if(TANDEM_PROCESSOR MATCHES "^(x86_64|amd64)$")
  set(TANDEM_ISAS avx2 avx512 avx512vnni avx512bf16)
elseif(TANDEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  set(TANDEM_ISAS neon neondot)
else()
  set(TANDEM_ISAS)
endif()

# Instruction sets beyond the baseline are enabled for the files of their directory only.
if(MSVC)
  set(TANDEM_FLAGS_avx2 /arch:AVX2)
  set(TANDEM_FLAGS_avx512 /arch:AVX512)
  set(TANDEM_FLAGS_avx512vnni /arch:AVX512)
  set(TANDEM_FLAGS_avx512bf16 /arch:AVX512)
else()
  set(TANDEM_FLAGS_avx2 -mavx2 -mfma -mf16c)
  set(TANDEM_FLAGS_avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mf16c)
  set(TANDEM_FLAGS_avx512vnni ${TANDEM_FLAGS_avx512} -mavx512vnni)
  set(TANDEM_FLAGS_avx512bf16 ${TANDEM_FLAGS_avx512} -mavx512bf16)
endif()
set(TANDEM_FLAGS_neon)  # part of AArch64
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC's first scheduling pass moves the loads of a register tile together, and then spills them.
  set(TANDEM_FLAGS_neon -fno-schedule-insns)
endif()
set(TANDEM_FLAGS_neondot ${TANDEM_FLAGS_neon} -march=armv8.2-a+dotprod)

# With -O3, vectors that are arrays take a minute to compile and are not faster.
if(NOT MSVC)
  set(TANDEM_FLAGS_scalar $<$<CONFIG:Release>:-O2>)
endif()

# Appends kernels/<isa>/*.cpp and bench/<isa>/*.cpp to the list `sources` for those of the given
# ISAs that the target has.
function(tandem_add_isa_sources sources)
  set(all ${${sources}})
  foreach(isa IN LISTS ARGN)
    if(isa IN_LIST TANDEM_ISAS OR isa STREQUAL scalar)
      file(GLOB isa_sources CONFIGURE_DEPENDS
        ${TANDEM_SOURCE_DIR}/kernels/${isa}/*.cpp ${TANDEM_SOURCE_DIR}/bench/${isa}/*.cpp)
      if(isa_sources)
        set_source_files_properties(${isa_sources} PROPERTIES
          COMPILE_OPTIONS "${TANDEM_FLAGS_${isa}}")
        list(APPEND all ${isa_sources})
      endif()
    endif()
  endforeach()
  set(${sources} ${all} PARENT_SCOPE)
endfunction()

# Contraction would fuse a*b+c differently per compiler and instruction set; -ffast-math would let
# the compiler reorder sums. Either would change bits.
function(tandem_target_flags target)
  set_target_properties(${target} PROPERTIES
    CXX_STANDARD 17
    CXX_STANDARD_REQUIRED ON
    CXX_EXTENSIONS OFF
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON)
  if(MSVC)
    target_compile_options(${target} PRIVATE /W4 /WX /fp:precise /utf-8)
  else()
    target_compile_options(${target} PRIVATE
      $<$<CONFIG:Release>:-O3> -ffp-contract=off -Wall -Wextra -Wconversion -Wshadow -Werror)
  endif()
endfunction()

# The library looks for OpenBLAS in its own folder.
function(tandem_loads_from_its_own_directory target)
  if(APPLE)
    set(origin "@loader_path")
  else()
    set(origin "$ORIGIN")
  endif()
  set_target_properties(${target} PROPERTIES
    BUILD_WITH_INSTALL_RPATH ON
    INSTALL_RPATH "${origin}")
  if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    target_link_options(${target} PRIVATE LINKER:--enable-new-dtags)
  endif()
endfunction()

# Visibility flags do not hide what the standard library marks as visible; the linker can.
function(tandem_exports_only target map)
  if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    target_link_options(${target} PRIVATE LINKER:--version-script=${map})
    set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${map})
  endif()
endfunction()
