# Configures and builds the native core, quietly and incrementally, and copies it with OpenBLAS to
# COPY_TO. Maven runs it:
#   cmake -DSOURCE_DIR= -DBUILD_DIR= -DOPENBLAS_DIR= -DTESTS= -DCOPY_TO= -P scripts/native.cmake
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE log ERROR_VARIABLE log)
  if(NOT status EQUAL 0)
    message("${log}")
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "failed: ${command}")
  endif()
endfunction()

include(${CMAKE_CURRENT_LIST_DIR}/forget-moved-build.cmake)
set(generator)
if(NOT EXISTS "${BUILD_DIR}/CMakeCache.txt")
  find_program(NINJA NAMES ninja ninja-build)
  if(NINJA)
    set(generator -G Ninja)
  endif()
endif()
cmake_host_system_information(RESULT jobs QUERY NUMBER_OF_LOGICAL_CORES)

run(${CMAKE_COMMAND} -S "${SOURCE_DIR}" -B "${BUILD_DIR}" ${generator}
  -DCMAKE_BUILD_TYPE=Release
  -DCMAKE_EXPORT_COMPILE_COMMANDS=ON
  "-DCMAKE_LIBRARY_OUTPUT_DIRECTORY=${BUILD_DIR}/lib"
  "-DCMAKE_ARCHIVE_OUTPUT_DIRECTORY=${BUILD_DIR}/lib"
  "-DCMAKE_RUNTIME_OUTPUT_DIRECTORY=${BUILD_DIR}/bin"
  "-DTANDEM_OPENBLAS_DIR=${OPENBLAS_DIR}"
  -DBUILD_TESTING=${TESTS}
  -DCMAKE_PLATFORM_NO_VERSIONED_SONAME=ON)
run(${CMAKE_COMMAND} --build "${BUILD_DIR}" --config Release --parallel ${jobs})

file(GLOB libraries "${BUILD_DIR}/lib/*" "${BUILD_DIR}/bin/*.dll" "${OPENBLAS_DIR}/*")
list(FILTER libraries INCLUDE REGEX "\\.(so|so\\.[0-9.]+|dylib|dll)$")
file(COPY ${libraries} DESTINATION "${COPY_TO}")
