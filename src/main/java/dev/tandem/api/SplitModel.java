package dev.tandem.api;

/** A model whose layers run partly on a server. {@link SplitBuilder#connect} returns it. */
public interface SplitModel extends TextModel {

  /** What the connection has carried since it was made. */
  WireStats wireStats();
}
