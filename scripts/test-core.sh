# Sourced by scripts/test: checks of the C++ core.

release=$root/target/native
asan=$root/target/native-asan
aarch64=$root/target/native-aarch64
# Empty files, named by the keys of sources without complaints of clang-tidy. As with ccache's cache,
# clones of this repository share them.
tidy_stamps=${XDG_CACHE_HOME:-${HOME:-$root/target}/.cache}/tandem-tidy
native_results=' [1-9][0-9]* tests? from .* ran|FAILED|tests passed|\*\*\*|error:'

cpp_sources() {
  find "$root/src/main/cpp" "$root/src/test/cpp" \( -name '*.cpp' -o -name '*.h' \) -print0
}

check_cpp_format() {
  cpp_sources | xargs -0 clang-format-14 --dry-run -Werror
}

# ---- Native tests ----

# Configures a build folder by the preset $1, in the folder $2, with the options that follow.
build_preset() {
  local preset=$1 folder=$2
  shift 2
  cmake -DSOURCE_DIR="$root" -DBUILD_DIR="$folder" -P "$root/scripts/forget-moved-build.cmake" &&
    cmake --preset "$preset" -B "$folder" "$@" -S "$root" &&
    cmake --build "$folder" --parallel "$jobs"
}

# Runs the tests of the build folder $1, those of GoogleTest's filter $2, by CTest with the options
# that follow. Fails if no test ran.
run_native_tests() {
  local folder=$1 filter=$2
  shift 2
  GTEST_FILTER=$filter ctest --test-dir "$folder" --verbose --parallel "$jobs" "$@"
}

# The filter $1 of GoogleTest for what is left out, or the user's pattern.
filter() {
  printf '%s' "${pattern:-*$1}"
}

run_release_tests() {
  run_native_tests "$release" "$(filter '')"
}

# Fewer random cases and no exact bits are enough to find memory errors. Emulated kernels are slow
# here, so only --long runs them.
run_asan_tests() {
  local emulation=() left_out='-*Fingerprint*:*Ulp*'
  $long || emulation=(-DTANDEM_EMULATE_AVX512=OFF)
  ! $long || left_out=
  unset TANDEM_LONG_TESTS
  $long || export TANDEM_FEW_TESTS=1
  build_preset asan "$asan" "${emulation[@]}" -DTANDEM_OPENBLAS_DIR="$root/target/openblas" &&
    run_native_tests "$asan" "$(filter "$left_out")"
}

# The core for 64-bit ARM on two emulated processors: one with every instruction set, and one of
# 2012 without dot products, which must not meet such an instruction. Without --long, slow tests
# that are not about instruction sets are left out.
can_run_aarch64_tests() {
  has aarch64-linux-gnu-g++ && has qemu-aarch64 && [ -e /usr/src/googletest ]
}

run_aarch64_tests() {
  local left_out='-BlocksTest*:ReferenceStageTest*:OracleTest*:AllocationTest*:*RoundedCaches*:*Ulp*'
  left_out+=$(printf ':ExactnessTest.%s*' {A..H} {J..Z}) # all but those of InstructionSets
  ! $long || left_out=
  export TANDEM_FEW_TESTS=1
  build_preset aarch64 "$aarch64" -DTANDEM_OPENBLAS_DIR="$root/target/openblas-aarch64" &&
    run_native_tests "$aarch64" "$(filter "$left_out")" &&
    QEMU_CPU=cortex-a53 run_native_tests "$aarch64" "${pattern:-*Fingerprint*:*Dispatch*}" \
      -E 'InstalledPackageTest|IsaSymbolsTest'
}

# ---- Analysis ----

# Prints for each compiled source of the core: a key of everything that clang-tidy reads (the source
# and its headers, which Ninja knows from the build, the command, the settings), and its path.
tidy_keys() {
  local settings source content
  settings=$(clang-tidy-14 --version | cat - "$root/.clang-tidy" | sha256sum)
  while IFS=$'\t' read -r source content; do
    content=$(printf '%s' "$settings$content" | sha256sum)
    printf '%s %s\n' "${content%% *}" "$source"
  done < <(
    ninja -C "$asan" -t deps >"$asan/deps"
    # Ninja also remembers files that were deleted.
    sed -n 's/^    //p' "$asan/deps" | sort -u | tr '\n' '\0' |
      (cd "$asan" && xargs -0 sha256sum 2>/dev/null) >"$asan/hashes"
    awk -v root="$root/" '
      FILENAME ~ /hashes$/ { hash[substr($0, 67)] = $1; next }
      FILENAME ~ /deps$/ && /^    / { content[source] = content[source] hash[substr($0, 5)]; next }
      FILENAME ~ /deps$/ { source = match($0, /src\/.*\.o:/) ? substr($0, RSTART, RLENGTH - 3) : "" }
      /^ *"command": / { command = $0; gsub(root, "", command) }
      /^ *"file": / && sub(/^ *"file": "/, "") && sub(/",?$/, "") && index($0, root) == 1 {
        source = substr($0, length(root) + 1)
        if (source ~ /^src\/main\/cpp\// && !seen[source]++) {
          print source "\t" command content[source]
        }
      }
    ' "$asan/hashes" "$asan/deps" "$asan/compile_commands.json"
  )
}

# Runs clang-tidy on the sources of the core, with the flags of the build. A source that has passed
# is left out until the source, a header or a setting changes, or 30 days have passed; a long run
# leaves out none.
analyse_cpp() {
  local new
  mkdir -p "$tidy_stamps"
  find "$tidy_stamps" -type f -mtime +30 -delete
  tidy_keys >"$asan/keys"
  new=$(while read -r key source; do
    { ! $long && [ -e "$tidy_stamps/$key" ]; } || echo "$key $source"
  done <"$asan/keys")
  echo "clang-tidy: $(grep -c . <<<"$new") of $(wc -l <"$asan/keys") sources; the others have passed"
  # shellcheck disable=SC2016 # the shell that xargs starts expands them
  xargs -r -n 2 -P "$jobs" bash -c \
    'clang-tidy-14 -p "$0" --quiet "$1/$4" && : >"$2/$3"' "$asan" "$root" "$tidy_stamps" <<<"$new"
}

# ---- All of it ----

check_core() {
  step "Native tests, ASan and UBSan"
  show "$native_results" run_asan_tests
  if can_run_aarch64_tests; then
    step "Native tests, AArch64 under qemu"
    show "$native_results" run_aarch64_tests
  fi
  if [ -z "$pattern" ] && has clang-tidy-14; then
    step "clang-tidy"
    show 'error:|warning:|^clang-tidy:' analyse_cpp
  fi
}
