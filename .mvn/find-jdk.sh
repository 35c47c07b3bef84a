# Finds a Java 25 or newer. To be sourced by a POSIX shell: . .mvn/find-jdk.sh
#
#   find_jdk 25 javac
#
# sets and exports JAVA_HOME and returns 0, or returns 1. The second argument is the program that must be there: "javac" to build,
# "java" to run. Order: $JAVA_HOME if it is new enough; else the usual places, where the asked release goes before newer ones.

# Prints the feature release (25) of the Java home $1, or nothing. Reads a file: starting a JVM to ask would cost more.
jdk_feature() {
  [ -r "$1/release" ] || return 0
  sed -n 's/^JAVA_VERSION="\{0,1\}\([0-9][0-9]*\).*/\1/p' "$1/release" | head -n 1
}

# Prints the Java homes to try, one on each line.
jdk_candidates() {
  if [ -x /usr/libexec/java_home ]; then
    /usr/libexec/java_home -v "$1+" 2>/dev/null
  fi
  for jdk_dir in /usr/lib/jvm/* /usr/java/* /opt/* /Library/Java/JavaVirtualMachines/*/Contents/Home \
      "$HOME"/.sdkman/candidates/java/* "$HOME"/.jdks/* "$HOME"/.jdks/*/Contents/Home; do
    [ -d "$jdk_dir" ] && printf '%s\n' "$jdk_dir"
  done
  return 0
}

find_jdk() {
  jdk_wanted=$1
  jdk_program=$2
  if [ -n "${JAVA_HOME:-}" ] && [ -x "$JAVA_HOME/bin/$jdk_program" ]; then
    jdk_found=$(jdk_feature "$JAVA_HOME")
    if [ "${jdk_found:-0}" -ge "$jdk_wanted" ]; then
      export JAVA_HOME
      return 0
    fi
  fi
  jdk_newer=
  jdk_exact=
  while IFS= read -r jdk_dir; do
    [ -x "$jdk_dir/bin/$jdk_program" ] || continue
    jdk_found=$(jdk_feature "$jdk_dir")
    if [ "${jdk_found:-0}" -eq "$jdk_wanted" ]; then
      jdk_exact=$jdk_dir
      break
    elif [ "${jdk_found:-0}" -gt "$jdk_wanted" ] && [ -z "$jdk_newer" ]; then
      jdk_newer=$jdk_dir
    fi
  done <<JDKS
$(jdk_candidates "$jdk_wanted")
JDKS
  [ -n "$jdk_exact$jdk_newer" ] || return 1
  JAVA_HOME=${jdk_exact:-$jdk_newer}
  export JAVA_HOME
}
