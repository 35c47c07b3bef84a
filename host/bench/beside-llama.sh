#!/bin/sh
# Measures serval and llama.cpp on the same file, in turn: host/bench/beside-llama.sh LLAMA_BIN [ROUNDS] [SHAPE] [TYPE] [PROMPT]
# LLAMA_BIN is the folder with llama.cpp's llama-bench and llama-batched-bench. Prints one line for each measurement: round, program,
# threads, test, tokens/s. tg64x16 is what 16 generations at once produce together, on two threads.
set -eu

root=$(CDPATH= cd -- "$(dirname -- "$0")/../.." && pwd)
peer=${1:?folder of llama-bench}
rounds=${2:-3}
shape=${3:-gemma3-270m}
type=${4:-Q8_0}
prompt=${5:-512}
file=$root/host/bench/target/$shape-$type.gguf
. "$root/.mvn/find-jdk.sh"
find_jdk 25 java

[ -f "$file" ] || "$JAVA_HOME/bin/java" -jar "$root"/host/bench/target/serval-bench-*.jar "$shape" "$type" "$file"

serval() {
  "$root/serval" bench "$file" "$@" -o json 2>/dev/null
}

round=1
while [ "$round" -le "$rounds" ]; do
  for threads in 1 2; do
    serval -p "$prompt" -n 64 -r 3 -t "$threads" |
      sed -n "s/.*\"test\": \"\([a-z0-9]*\)\".*\"tok_s\": \([0-9.]*\).*/$round serval $threads \1 \2/p"
    "$peer/llama-bench" -m "$file" -p "$prompt" -n 64 -r 3 -t "$threads" -o md 2>/dev/null |
      sed -n "s/.*| *\([pt][pg][0-9]*\) *| *\([0-9.]*\) .*/$round llama.cpp $threads \1 \2/p"
  done
  serval -p 0 -n 64 -r 3 -t 2 --concurrent 1,4,16,64 |
    sed -n "s/.*\"test\": \"\(tg[0-9]*x[0-9]*\)\".*\"tok_s\": \([0-9.]*\).*\"first_token_s\": \([0-9.]*\).*\"fairness\": \([0-9.]*\).*/$round serval 2 \1 \2 first token \3 s, fairness \4/p"
  "$peer/llama-batched-bench" -m "$file" -c 8192 -npp 1 -ntg 64 -npl 1,4,16,64 -t 2 2>/dev/null |
    sed -n "s/^| *1 | *64 | *\([0-9]*\) |.*| *\([0-9.]*\) |$/$round llama.cpp 2 tg64x\1 \2/p"
  round=$((round + 1))
done
