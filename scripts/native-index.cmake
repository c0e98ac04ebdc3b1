# Writes FOLDER/libraries.txt: a key of the contents of all libraries in FOLDER, then their names.
# The engine unpacks the libraries with this list. Maven runs it:
#   cmake -DFOLDER= -P scripts/native-index.cmake
file(GLOB names RELATIVE "${FOLDER}" "${FOLDER}/*")
list(REMOVE_ITEM names libraries.txt)
list(SORT names)
set(hashes "")
foreach(name IN LISTS names)
  file(SHA256 "${FOLDER}/${name}" hash)
  string(APPEND hashes "${name} ${hash}\n")
endforeach()
string(SHA256 key "${hashes}")
string(SUBSTRING "${key}" 0 16 key)
list(JOIN names "\n" names)
file(WRITE "${FOLDER}/libraries.txt" "${key}\n${names}\n")
