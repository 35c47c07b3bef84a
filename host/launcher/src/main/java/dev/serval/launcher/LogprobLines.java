package dev.serval.launcher;

import dev.serval.api.runtime.TokenEvent;
import dev.serval.api.runtime.TokenLogprobs;
import dev.serval.api.text.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Tokens and how likely they were, a line of JSON each, with the names that OpenAI's interface
 * uses:
 *
 * <pre>
 *  {"id": 5, "token": " fox", "bytes": [32, 102, 111, 120], "logprob": -0.12, "top_logprobs": [{…}]}
 * </pre>
 */
final class LogprobLines {

  private final Tokenizer tokenizer;

  LogprobLines(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /** The line of an event; nothing for text without a token. */
  String line(TokenEvent event) {
    return event
        .logprobs()
        .map(p ->
            "{"
                + members(event.token(), p.logprob())
                + ", \"top_logprobs\": "
                + p.top().stream()
                    .map(this::alternative)
                    .collect(Collectors.joining(", ", "[", "]"))
                + "}"
                + System.lineSeparator())
        .orElse("");
  }

  private String alternative(TokenLogprobs.Alternative a) {
    return "{" + members(a.token(), a.logprob()) + "}";
  }

  private String members(int token, double logprob) {
    byte[] bytes = tokenizer.bytes(token);
    String list =
        IntStream.range(0, bytes.length)
            .mapToObj(i -> Integer.toString(bytes[i] & 0xFF))
            .collect(Collectors.joining(", ", "[", "]"));
    return "\"id\": "
        + token
        + ", \"token\": "
        + Json.quoted(new String(bytes, StandardCharsets.UTF_8))
        + ", \"bytes\": "
        + list
        + ", \"logprob\": "
        + logprob;
  }
}
