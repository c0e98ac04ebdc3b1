package dev.tandem.model;

/**
 * Everything about a model that changes its arithmetic.
 *
 * @param architecture the family of models
 * @param nLayers number of layers
 * @param nHeads query heads
 * @param nKvHeads key and value heads; divides {@code nHeads}
 * @param headDim elements of one head; {@code nHeads * headDim} need not be {@code dModel}
 * @param dModel width of the residual stream
 * @param dFf width of the feed-forward network
 * @param vocabSize rows of the token embedding
 * @param maxSeq the largest number of positions
 * @param norm kind of normalisation
 * @param normEps added under the root of every normalisation
 * @param activation the feed-forward network's non-linearity
 * @param gatedFfn whether the feed-forward network is {@code down(act(gate(x)) * up(x))}
 * @param bias which linear layers have biases; GPT-2's all have
 * @param rope rotary pairing; {@code NONE} where positions are embedded
 * @param ropeTheta base of the rotary frequencies; 0 without RoPE
 * @param ropeFactors whether the tensor {@code rope_freqs.weight}, {@code [headDim / 2]}, divides
 *     the rotary frequencies
 * @param tiedHead whether the LM head is the token embedding
 */
public record ModelConfig(
    Architecture architecture,
    int nLayers,
    int nHeads,
    int nKvHeads,
    int headDim,
    int dModel,
    int dFf,
    int vocabSize,
    int maxSeq,
    NormKind norm,
    float normEps,
    Activation activation,
    boolean gatedFfn,
    LinearBias bias,
    RopePairing rope,
    double ropeTheta,
    boolean ropeFactors,
    boolean tiedHead) {

  /** Limits far above any model of these families; they keep products inside 64 bits. */
  private static final int MAX_LAYERS = 1 << 12;

  private static final int MAX_WIDTH = 1 << 20;
  private static final int MAX_VOCAB = 1 << 24;

  /**
   * Checks every field.
   *
   * @throws IllegalArgumentException naming the first field that is out of range
   */
  public ModelConfig {
    inRange("nLayers", nLayers, MAX_LAYERS);
    inRange("nHeads", nHeads, MAX_WIDTH);
    inRange("nKvHeads", nKvHeads, nHeads);
    inRange("headDim", headDim, MAX_WIDTH);
    inRange("dModel", dModel, MAX_WIDTH);
    inRange("dFf", dFf, MAX_WIDTH);
    inRange("vocabSize", vocabSize, MAX_VOCAB);
    inRange("maxSeq", maxSeq, MAX_VOCAB);
    require(
        nHeads % nKvHeads == 0, "nHeads " + nHeads + " is not a multiple of nKvHeads " + nKvHeads);
    require((long) nHeads * headDim <= MAX_WIDTH, "nHeads * headDim is above " + MAX_WIDTH);
    require(normEps > 0 && normEps < 1, "normEps must be in (0, 1), got " + normEps);
    require(!gatedFfn || bias != LinearBias.ALL, "gated feed-forward networks have no biases");
    require(!ropeFactors || rope != RopePairing.NONE, "ropeFactors without RoPE");
    if (rope != RopePairing.NONE) {
      require(headDim % 2 == 0, "headDim must be even with RoPE, got " + headDim);
      require(ropeTheta > 0 && ropeTheta < 1e12, "ropeTheta must be positive, got " + ropeTheta);
    }
  }

  private static void inRange(String name, int value, int max) {
    require(value >= 1 && value <= max, name + " must be in 1.." + max + ", got " + value);
  }

  private static void require(boolean condition, String message) {
    if (!condition) {
      throw new IllegalArgumentException(message);
    }
  }

  /** Whether a token's position is added as a learned embedding. */
  public boolean hasPositionEmbedding() {
    return rope == RopePairing.NONE;
  }

  /** A config with the usual norm, activation, biases and rotary pairing of its architecture. */
  public static Builder builder(Architecture architecture) {
    return new Builder(architecture);
  }

  /** Collects a config's values by name; {@link #build} checks them. */
  public static final class Builder {
    private final Architecture architecture;
    private int nLayers;
    private int nHeads;
    private int nKvHeads;
    private int headDim;
    private int dModel;
    private int dFf;
    private int vocabSize;
    private int maxSeq;
    private NormKind norm;
    private float normEps;
    private Activation activation;
    private boolean gatedFfn;
    private LinearBias bias;
    private RopePairing rope;
    private double ropeTheta;
    private boolean ropeFactors;
    private boolean tiedHead;

    private Builder(Architecture architecture) {
      boolean gpt2 = architecture == Architecture.GPT2;
      this.architecture = architecture;
      norm = gpt2 ? NormKind.LAYER : NormKind.RMS;
      activation = gpt2 ? Activation.GELU_TANH : Activation.SILU;
      gatedFfn = !gpt2;
      bias = gpt2 ? LinearBias.ALL : LinearBias.NONE;
      rope = gpt2 ? RopePairing.NONE : RopePairing.INTERLEAVED;
    }

    /** See {@link ModelConfig#nLayers}. */
    public Builder nLayers(int value) {
      nLayers = value;
      return this;
    }

    /** See {@link ModelConfig#nHeads}. */
    public Builder nHeads(int value) {
      nHeads = value;
      return this;
    }

    /** See {@link ModelConfig#nKvHeads}. */
    public Builder nKvHeads(int value) {
      nKvHeads = value;
      return this;
    }

    /** See {@link ModelConfig#headDim}. */
    public Builder headDim(int value) {
      headDim = value;
      return this;
    }

    /** See {@link ModelConfig#dModel}. */
    public Builder dModel(int value) {
      dModel = value;
      return this;
    }

    /** See {@link ModelConfig#dFf}. */
    public Builder dFf(int value) {
      dFf = value;
      return this;
    }

    /** See {@link ModelConfig#vocabSize}. */
    public Builder vocabSize(int value) {
      vocabSize = value;
      return this;
    }

    /** See {@link ModelConfig#maxSeq}. */
    public Builder maxSeq(int value) {
      maxSeq = value;
      return this;
    }

    /** See {@link ModelConfig#norm}. */
    public Builder norm(NormKind value) {
      norm = value;
      return this;
    }

    /** See {@link ModelConfig#normEps}. */
    public Builder normEps(float value) {
      normEps = value;
      return this;
    }

    /** See {@link ModelConfig#activation}. */
    public Builder activation(Activation value) {
      activation = value;
      return this;
    }

    /** See {@link ModelConfig#gatedFfn}. */
    public Builder gatedFfn(boolean value) {
      gatedFfn = value;
      return this;
    }

    /** See {@link ModelConfig#bias}. */
    public Builder bias(LinearBias value) {
      bias = value;
      return this;
    }

    /** See {@link ModelConfig#rope}. */
    public Builder rope(RopePairing value) {
      rope = value;
      return this;
    }

    /** See {@link ModelConfig#ropeTheta}. */
    public Builder ropeTheta(double value) {
      ropeTheta = value;
      return this;
    }

    /** See {@link ModelConfig#ropeFactors}. */
    public Builder ropeFactors(boolean value) {
      ropeFactors = value;
      return this;
    }

    /** See {@link ModelConfig#tiedHead}. */
    public Builder tiedHead(boolean value) {
      tiedHead = value;
      return this;
    }

    /**
     * The config.
     *
     * @throws IllegalArgumentException naming the first value that is out of range or missing
     */
    public ModelConfig build() {
      return new ModelConfig(
          architecture,
          nLayers,
          nHeads,
          nKvHeads,
          headDim,
          dModel,
          dFf,
          vocabSize,
          maxSeq,
          norm,
          normEps,
          activation,
          gatedFfn,
          bias,
          rope,
          ropeTheta,
          ropeFactors,
          tiedHead);
    }
  }
}
