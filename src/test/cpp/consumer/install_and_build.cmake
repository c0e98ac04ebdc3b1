# Installs the library to a temporary directory, then builds and runs the consumer against it.
# Needs: BUILD_DIR, CONFIG, CONSUMER_DIR, WORK_DIR, GENERATOR, CXX_FLAGS, C_COMPILER, CXX_COMPILER;
# for another kind of machine TOOLCHAIN_FILE and EMULATOR.

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "failed (${result}): ${ARGN}")
  endif()
endfunction()

file(REMOVE_RECURSE ${WORK_DIR})
run(${CMAKE_COMMAND} --install ${BUILD_DIR} --config ${CONFIG} --prefix ${WORK_DIR}/prefix)
run(${CMAKE_COMMAND} -S ${CONSUMER_DIR} -B ${WORK_DIR}/build -G ${GENERATOR}
  -DCMAKE_BUILD_TYPE=${CONFIG} -DCMAKE_PREFIX_PATH=${WORK_DIR}/prefix
  -DCMAKE_C_COMPILER=${C_COMPILER} -DCMAKE_CXX_COMPILER=${CXX_COMPILER}
  -DCMAKE_C_FLAGS=${CXX_FLAGS} -DCMAKE_CXX_FLAGS=${CXX_FLAGS}
  -DCMAKE_TOOLCHAIN_FILE=${TOOLCHAIN_FILE})
run(${CMAKE_COMMAND} --build ${WORK_DIR}/build --config ${CONFIG})
find_program(program consumer PATHS ${WORK_DIR}/build PATH_SUFFIXES ${CONFIG} NO_DEFAULT_PATH
  REQUIRED)
run(${EMULATOR} ${program})
file(REMOVE_RECURSE ${WORK_DIR})
