# Empties a build folder that was moved or copied together with its checkout, because CMake refuses
# to use it:
#   cmake -DSOURCE_DIR= -DBUILD_DIR= -P scripts/forget-moved-build.cmake
set(cache "${BUILD_DIR}/CMakeCache.txt")
if(EXISTS "${cache}")
  foreach(pair "CMAKE_HOME_DIRECTORY=${SOURCE_DIR}" "CMAKE_CACHEFILE_DIR=${BUILD_DIR}")
    string(REGEX MATCH "^([^=]+)=(.*)$" pair "${pair}")
    file(REAL_PATH "${CMAKE_MATCH_2}" now)
    file(STRINGS "${cache}" entry REGEX "^${CMAKE_MATCH_1}:INTERNAL=" LIMIT_COUNT 1)
    string(REGEX REPLACE "^[^=]*=" "" before "${entry}")
    if(before)
      file(REAL_PATH "${before}" before)
    endif()
    if(NOT before STREQUAL now)
      file(REMOVE_RECURSE "${BUILD_DIR}")
      break()
    endif()
  endforeach()
endif()
