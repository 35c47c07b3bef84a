package dev.serval.engine.grammar;

import java.util.Map;

/** Grammars of the kinds that llama.cpp publishes as examples, in our own words. */
final class Examples {

  static final String JSON =
      """
      root ::= object
      value ::= object | array | string | number | "true" | "false" | "null"
      object ::= "{" ws (pair ("," ws pair)*)? "}" ws
      pair ::= string ":" ws value
      array ::= "[" ws (value ("," ws value)*)? "]" ws
      string ::= "\\"" ([^"\\\\\\x00-\\x1F\\x7F] | "\\\\" (["\\\\bfnrt] | "u" hex{4}))* "\\"" ws
      hex ::= [0-9a-fA-F]
      number ::= "-"? ("0" | [1-9] [0-9]{0,15}) ("." [0-9]+)? ([eE] [-+]? [1-9] [0-9]{0,1})? ws
      ws ::= | " " | "\\n" [ \\t]{0,20}
      """;

  static final String ARITHMETIC =
      """
      root ::= (sum "=" ws term "\\n")+
      sum ::= term ([-+*/] ws term)*
      term ::= ident | number | "(" ws sum ")" ws
      ident ::= [a-z] [a-z0-9_]* ws
      number ::= [0-9]+ ws
      ws ::= [ \\t\\n]*
      """;

  static final String LIST =
      """
      root ::= item+
      # no \\r, and none of the line ends of Unicode
      item ::= "- " [^\\r\\n\\x0b\\x0c\\x85\\u2028\\u2029]+ "\\n"
      """;

  static final String CHESS =
      """
      root ::= "1. " move " " move "\\n" ([1-9] [0-9]? ". " move " " move "\\n")+
      move ::= (pawn | piece | castle) [+#]?
      # a piece: its letter, what tells it from another of its kind, a capture, the square
      piece ::= [NBKQR] [a-h]? [1-8]? "x"? square
      pawn ::= ([a-h] "x")? square ("=" [NBKQR])?
      castle ::= "O-O" "-O"?
      square ::= [a-h] [1-8]
      """;

  static final String JAPANESE =
      """
      root ::= jp ([ \\t\\n] jp)*
      jp ::= ([ぁ-ゟ] | [ァ-ヿ] | [、-〾] | [一-龯])+
      """;

  /** Two ways to read each opening bracket: 2^n stacks after n of them, if kept one by one. */
  static final String TWOFOLD =
      """
      root ::= "(" root ")" | "(" root "]" | "x"
      """;

  static final Map<String, String> ALL =
      Map.of(
          "json", JSON,
          "arithmetic", ARITHMETIC,
          "list", LIST,
          "chess", CHESS,
          "japanese", JAPANESE,
          "twofold", TWOFOLD);

  private Examples() {}
}
