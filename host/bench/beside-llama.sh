#!/bin/sh
# Measures serval and llama.cpp on the same file, in turn: host/bench/beside-llama.sh LLAMA_BENCH [ROUNDS] [SHAPE] [TYPE]
# LLAMA_BENCH is the path of llama.cpp's llama-bench. Prints one line for each measurement: round, program, threads, test, tokens/s.
set -eu

root=$(CDPATH= cd -- "$(dirname -- "$0")/../.." && pwd)
peer=${1:?path of llama-bench}
rounds=${2:-3}
shape=${3:-gemma3-270m}
type=${4:-Q8_0}
file=$root/host/bench/target/$shape-$type.gguf
. "$root/.mvn/find-jdk.sh"
find_jdk 25 java

[ -f "$file" ] || "$JAVA_HOME/bin/java" -jar "$root"/host/bench/target/serval-bench-*.jar "$shape" "$type" "$file"

round=1
while [ "$round" -le "$rounds" ]; do
  for threads in 1 2; do
    "$root/serval" bench "$file" -p 512 -n 64 -r 3 -t "$threads" -o json 2>/dev/null |
      sed -n "s/.*\"test\": \"\([a-z0-9]*\)\".*\"tok_s\": \([0-9.]*\).*/$round serval $threads \1 \2/p"
    "$peer" -m "$file" -p 512 -n 64 -r 3 -t "$threads" -o md 2>/dev/null |
      sed -n "s/.*| *\([pt][pg][0-9]*\) *| *\([0-9.]*\) .*/$round llama.cpp $threads \1 \2/p"
  done
  round=$((round + 1))
done
