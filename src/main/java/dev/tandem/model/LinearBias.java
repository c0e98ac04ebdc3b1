package dev.tandem.model;

/** Which linear layers add a bias. */
public enum LinearBias {
  /** None. */
  NONE,

  /** The projections to queries, keys and values. */
  QKV,

  /** Those and the attention's output. */
  ATTENTION,

  /** All of every block: attention and feed-forward. */
  ALL
}
