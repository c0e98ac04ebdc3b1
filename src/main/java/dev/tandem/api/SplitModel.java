package dev.tandem.api;

/** A model whose layers run partly on a server. {@link SplitBuilder#connect} returns it. */
public interface SplitModel extends TextModel {

  /** What the connection has carried since it was made. */
  WireStats wireStats();

  /**
   * What runs where at the moment, such as {@code layers 0..1 here, layers 2..3 on ws://a:8080, the
   * head here}. With several servers it states what is known of each, because that decides.
   */
  String chain();
}
