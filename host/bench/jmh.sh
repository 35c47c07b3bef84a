#!/bin/sh
# Measures parts of the engine: host/bench/jmh.sh [JMH OPTIONS] [PATTERN]
# A pattern is a regular expression of benchmark names, such as PoolBench; none runs all. Prints nanoseconds and
# bytes of garbage per call; runs are short unless the options (-f, -wi, -i, -w, -r) say otherwise.
set -eu

root=$(CDPATH= cd -- "$(dirname -- "$0")/../.." && pwd)
sources=$root/host/bench/src/test/java
out=$root/host/bench/target/jmh
. "$root/.mvn/find-jdk.sh"
find_jdk 25 javac

"$root/mvnw" -q -f "$root/pom.xml" -P jmh -pl host/bench -am compile
path=$root/host/bench/target/classes:$(cat "$out/class-path")
rm -rf "$out/classes"
mkdir -p "$out/classes"
find "$sources" -name '*Bench.java' -exec "$JAVA_HOME/bin/javac" -proc:full -nowarn -d "$out/classes" -cp "$path" {} +
exec "$JAVA_HOME/bin/java" -cp "$out/classes:$path" org.openjdk.jmh.Main \
  -prof gc -jvmArgsAppend --enable-native-access=ALL-UNNAMED "$@"
