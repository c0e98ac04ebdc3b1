package dev.tandem.engine;

import dev.tandem.engine.TandemApi.StageHandle;
import dev.tandem.engine.TandemApi.StageOptionsArgs;
import dev.tandem.engine.TandemApi.TensorArgs;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.RopePairing;
import dev.tandem.model.Tables;
import dev.tandem.settings.ActivationEval;
import dev.tandem.stage.StageSpec;
import dev.tandem.tensor.Tensor;
import java.io.IOException;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.ShortPointer;

/** Lays out the arguments of {@code td_stage_open} from a model's configuration and tensors. */
final class StageArguments {

  /** A tensor's name within its layer, and its {@code td_role}. */
  private enum Role {
    ATTN_NORM(0, "attn_norm.weight"),
    ATTN_NORM_BIAS(1, "attn_norm.bias"),
    WQKV(2, "attn_qkv.weight"),
    BQKV(3, "attn_qkv.bias"),
    WQ(4, "attn_q.weight"),
    WK(5, "attn_k.weight"),
    WV(6, "attn_v.weight"),
    BQ(7, "attn_q.bias"),
    BK(8, "attn_k.bias"),
    BV(9, "attn_v.bias"),
    WO(10, "attn_output.weight"),
    BO(11, "attn_output.bias"),
    FFN_NORM(12, "ffn_norm.weight"),
    FFN_NORM_BIAS(13, "ffn_norm.bias"),
    WGATE(14, "ffn_gate.weight"),
    WUP(15, "ffn_up.weight"),
    BUP(16, "ffn_up.bias"),
    WDOWN(17, "ffn_down.weight"),
    BDOWN(18, "ffn_down.bias"),
    OUTPUT_NORM(19, "output_norm.weight"),
    OUTPUT_NORM_BIAS(20, "output_norm.bias"),
    LM_HEAD(21, "output.weight");

    private final int code;
    private final String suffix;

    Role(int code, String suffix) {
      this.code = code;
      this.suffix = suffix;
    }

    boolean inLayer() {
      return code < OUTPUT_NORM.code;
    }
  }

  private record Argument(Role role, int layer, Tensor tensor) {}

  private final LoadedModel model;
  private final StageSpec spec;
  private final StageOptions options;
  private final Optional<ReferenceSwitches> reference;

  /** Buffers whose addresses are in the arguments; they must live until the call returns. */
  private final List<Object> alive = new ArrayList<>();

  /**
   * @param reference what a reference stage saves; empty for the engine's own
   */
  StageArguments(
      LoadedModel model,
      StageSpec spec,
      StageOptions options,
      Optional<ReferenceSwitches> reference) {
    this.model = model;
    this.spec = spec;
    this.options = options;
    this.reference = reference;
  }

  StageHandle open() throws IOException {
    List<Argument> arguments = arguments();
    TensorArgs tensors =
        new TensorArgs(new BytePointer(TandemApi.structs(TensorArgs.class, arguments.size())));
    for (int i = 0; i < arguments.size(); i++) {
      Argument argument = arguments.get(i);
      Tensor tensor = argument.tensor();
      tensors.position(i);
      tensors.role(argument.role().code).layer(argument.layer());
      tensors.dtype(NativeCodes.of(tensor.dtype())).transposed(tensor.transposed() ? 1 : 0);
      tensors.rows(tensor.rows()).cols(tensor.cols());
      tensors.data(kept(model.address(tensor))).data_bytes(tensor.data().bytes());
    }
    StageHandle stage = new StageHandle();
    model.engine().handle().acquire();
    try {
      TensorArgs first = tensors.position(0);
      StageOptionsArgs settings = optionsArgs();
      if (reference.isPresent()) {
        int switches = reference.get().bits();
        NativeCalls.check(
            "td_reference_open",
            TandemApi.td_reference_open(
                model.engine().pointer(), settings, first, arguments.size(), switches, stage));
      } else {
        NativeCalls.check(
            "td_stage_open",
            TandemApi.td_stage_open(
                model.engine().pointer(), settings, first, arguments.size(), stage));
      }
    } finally {
      Reference.reachabilityFence(alive);
      model.engine().handle().release();
    }
    return stage;
  }

  private List<Argument> arguments() {
    Checkpoint checkpoint = model.checkpoint();
    List<Argument> arguments = new ArrayList<>();
    for (Role role : Role.values()) {
      if (role.inLayer()) {
        for (int layer = spec.span().begin(); layer < spec.span().end(); layer++) {
          add(arguments, role, layer, "blk." + layer + "." + role.suffix);
        }
      } else if (spec.span().hasHead()) {
        boolean tied = role == Role.LM_HEAD && checkpoint.config().tiedHead();
        add(arguments, role, -1, tied ? "token_embd.weight" : role.suffix);
      }
    }
    return arguments;
  }

  private void add(List<Argument> arguments, Role role, int layer, String name) {
    Tensor tensor = model.checkpoint().tensors().get(name);
    if (tensor != null) { // the core decides which tensors may be absent
      arguments.add(new Argument(role, layer, tensor));
    }
  }

  private StageOptionsArgs optionsArgs() throws IOException {
    ModelConfig config = model.config();
    StageOptionsArgs args =
        new StageOptionsArgs(new BytePointer(TandemApi.structs(StageOptionsArgs.class, 1)));
    args.nLayers(config.nLayers()).nHeads(config.nHeads()).nKvHeads(config.nKvHeads());
    args.headDim(config.headDim()).dModel(config.dModel()).dFf(config.dFf());
    args.vocabSize(config.vocabSize()).maxSeq(config.maxSeq());
    args.norm(NativeCodes.of(config.norm())).normEps(config.normEps());
    args.activation(NativeCodes.of(config.activation())).gated(config.gatedFfn() ? 1 : 0);
    args.rope(NativeCodes.of(config.rope()));
    args.layer_begin(spec.span().begin()).layer_end(spec.span().end());
    args.has_head(spec.span().hasHead() ? 1 : 0);
    args.mode(NativeCodes.of(options.mode()))
        .activation_eval(NativeCodes.of(options.activationEval()));
    args.kv_dtype(NativeCodes.of(options.kvType())).chunk_rows(options.chunkRows());
    if (config.rope() != RopePairing.NONE) {
      Tables.Rope rope = model.rope();
      args.rope_cos(kept(new FloatPointer(rope.cos())));
      args.rope_sin(kept(new FloatPointer(rope.sin())));
    }
    if (options.activationEval() == ActivationEval.TABLE) {
      args.activation_table(kept(new ShortPointer(Tables.activation(config.activation()))));
    }
    return args;
  }

  private <T> T kept(T pointer) {
    alive.add(pointer);
    return pointer;
  }
}
