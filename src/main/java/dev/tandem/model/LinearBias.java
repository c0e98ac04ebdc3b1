package dev.tandem.model;

/** Which linear layers add a bias. */
public enum LinearBias {
  /** None. */
  NONE,

  /** The projections to queries, keys and values. */
  QKV,

  /** The projections to queries, keys and values, and the attention's output. */
  ATTENTION,

  /** All linear layers: attention and feed-forward network. */
  ALL
}
