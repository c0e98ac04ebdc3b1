# Sourced by scripts/tandem and scripts/test, with $root set to the repository: finds or installs
# the tools, and builds the jars.

jar=$root/target/tandem.jar
stamp=$root/target/built # its time is that of the sources in the jars, its content the root
build_log=$root/target/build.log
class_keys=$root/target/class-keys # scripts/test's, of the sources of all classes
oldest_java=17

# Everything that goes into the jars.
sources=(
  pom.xml CMakeLists.txt cmake src/main weights LICENSE NOTICE
  scripts/native.cmake scripts/native-index.cmake scripts/forget-moved-build.cmake
)

die() {
  clear_progress
  printf 'tandem: %s\n' "$*" >&2
  exit 1
}

# Prints a line that stays, on a terminal or not.
say() {
  clear_progress
  printf 'tandem: %s\n' "$*" >&2
}

# Prints a line that the next one overwrites, on a terminal only.
progress() {
  if [ -t 2 ]; then
    printf '\r\033[Ktandem: %s' "$*" >&2
  fi
}

clear_progress() {
  if [ -t 2 ]; then
    printf '\r\033[K' >&2
  fi
}

# ---- Java ----

# Prints the major version of the Java installation in folder $1; 0 if there is none.
java_major() {
  local version=
  if [ -r "$1/release" ]; then
    version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release")
  elif [ -x "$1/bin/java" ]; then
    version=$("$1/bin/java" -version 2>&1 | sed -n '1s/.*"\([0-9]*\).*/\1/p') || true
  fi
  printf '%s' "${version:-0}"
}

# Sets java_home to a Java installation that is new enough and has the program $1: JAVA_HOME, the
# one on the path, or any that the system has.
find_java() {
  local program home
  program=$(command -v "$1") && program=$(readlink -f "$program") || program=
  for home in "${JAVA_HOME:-}" "${program%/bin/"$1"}" /usr/lib/jvm/*; do
    if [ -n "$home" ] && [ -x "$home/bin/$1" ] && [ "$(java_major "$home")" -ge $oldest_java ]; then
      java_home=$home
      return 0
    fi
  done
  return 1
}

# ---- Tools ----

has() {
  command -v "$1" >/dev/null
}

# Java reads arguments and file names in the locale's encoding.
use_utf8() {
  if has locale && [ "$(locale charmap 2>/dev/null)" != UTF-8 ]; then
    export LC_ALL=C.UTF-8
  fi
}

# Whether apt-get can install the package $1.
installable() {
  [ -n "$(apt-cache madison "$1" 2>/dev/null)" ]
}

# Prints the packages of the tools that a build needs and that are missing.
missing_build_packages() {
  find_java javac || echo jdk
  has mvn || echo maven
  has cmake || echo cmake
  has g++ || has clang++ || echo g++
  has ninja || has make || echo ninja-build
}

# Prints and installs the named Debian packages; "jdk" stands for the oldest JDK that is new enough.
# Only root can install; other users see the command.
install_packages() {
  local packages=("$@") names=() name version
  if ! has apt-get; then
    die "needs a JDK $oldest_java or newer, Maven, CMake, a C++17 compiler, and Ninja or make" \
      "(missing, by Debian's names: ${packages[*]})"
  fi
  if [ "$(id -u)" = 0 ]; then
    say "missing tools: ${packages[*]}; running: apt-get update"
    apt-get update >>"$build_log" 2>&1 || die "apt-get update failed; see $build_log"
  fi
  for name in "${packages[@]}"; do
    if [ "$name" = jdk ]; then
      name=default-jdk-headless
      for version in 17 21 25; do
        if installable "openjdk-$version-jdk-headless"; then
          name=openjdk-$version-jdk-headless
          break
        fi
      done
    fi
    names+=("$name")
  done
  if [ "$(id -u)" != 0 ]; then
    die "some tools are missing; install them with:" \
      "sudo apt-get update && sudo apt-get install -y --no-install-recommends ${names[*]}"
  fi
  say "installing: apt-get install -y --no-install-recommends ${names[*]}"
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    -o DPkg::Lock::Timeout=300 "${names[@]}" </dev/null >>"$build_log" 2>&1 ||
    die "apt-get install ${names[*]} failed; see $build_log"
}

# Finds the tools of a build, and installs missing ones.
need_build_tools() {
  local packages
  mapfile -t packages < <(missing_build_packages)
  if [ ${#packages[@]} -gt 0 ]; then
    install_packages "${packages[@]}"
  fi
  find_java javac || die "needs a JDK $oldest_java or newer; set JAVA_HOME"
  use_ccache
}

# Compiles C++ through ccache if it is installed. It hashes paths below the root as relative paths,
# so that clones of this repository share its cache.
use_ccache() {
  if has ccache; then
    export CMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER-ccache}
    # As precompiled headers need it.
    export CCACHE_SLOPPINESS=${CCACHE_SLOPPINESS-pch_defines,time_macros,include_file_mtime,include_file_ctime}
    export CCACHE_BASEDIR=${CCACHE_BASEDIR-$root} CCACHE_NOHASHDIR=${CCACHE_NOHASHDIR-1}
  fi
}

# Runs Maven on this project with the JDK that was found.
maven() {
  JAVA_HOME=$java_home mvn -B -f "$root/pom.xml" "$@" </dev/null
}

# ---- Building ----

# Runs a command under a lock that all processes of this repository share.
exclusively() {
  if has flock; then
    (
      flock 9
      "$@"
    ) 9<"$root/pom.xml"
  else
    "$@"
  fi
}

# Sets archive to the archive of class data for this Java, which saves a fifth of the start-up time.
find_archive() {
  local release= key
  if [ -r "$java_home/release" ]; then
    release=$(<"$java_home/release")
  fi
  key=$(cksum <<<"$root $java_home $release")
  archive=$root/target/class-data/${key%% *}.jsa
}

make_archive() {
  rm -rf "$root/target/class-data"
  mkdir -p "$root/target/class-data"
  if find_java java; then
    find_archive
    # In a shell of its own, whose messages go to the log, too: without the archive commands only
    # start more slowly.
    ("$java_home/bin/java" -XX:ArchiveClassesAtExit="$archive" \
      -XX:ErrorFile="$root/target/class-data/error.log" -jar "$jar" \
      generate --max-tokens 1 --prompt "A" </dev/null || rm -f "$archive") >>"$build_log" 2>&1
  fi
}

is_stale() {
  local existing=() source
  if [ ! -e "$stamp" ] || [ ! -e "$jar" ]; then
    return 0
  fi
  for source in "${sources[@]}"; do
    if [ -e "$root/$source" ]; then
      existing+=("$root/$source")
    fi
  done
  [ -n "$(find "${existing[@]}" -newer "$stamp" -print -quit)" ]
}

# Maven does not delete classes whose sources are gone, and would put them into the jars.
remove_classes() {
  rm -rf "$root"/target/{classes,test-classes,maven-status} "$class_keys"
}

# Builds the jars in a separate folder and then moves them, so that a running Tandem keeps the jar
# that it opened.
build() {
  local fresh=$root/target/fresh
  mkdir -p "$root/target"
  : >"$build_log"
  need_build_tools
  progress "building (the first time takes a minute or two)"
  printf '%s\n' "$root" >"$stamp.new"
  remove_classes
  if ! maven -q -Dmaven.test.skip=true -Djars.dir="$fresh" package >>"$build_log" 2>&1; then
    clear_progress
    grep -E '^\[ERROR\]|error:|CMake Error' "$build_log" | head -n 20 >&2 || true
    die "the build failed; see $build_log"
  fi
  mv -f "$fresh"/*.jar "$root/target/"
  make_archive
  mv -f "$stamp.new" "$stamp"
  clear_progress
}

# Whether the checkout was moved or copied after its jars were built. The jars work in any place,
# but the archive of class data works only in its own.
is_moved() {
  [ -w "$root/target" ] && [ "$(cat "$stamp")" != "$root" ]
}

build_if_stale() {
  if is_stale; then
    build
  elif is_moved; then
    make_archive
    printf '%s\n' "$root" >"$stamp.new"
    touch -r "$stamp" "$stamp.new"
    mv -f "$stamp.new" "$stamp"
  fi
}
