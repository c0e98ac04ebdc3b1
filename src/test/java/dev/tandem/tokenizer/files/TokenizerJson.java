package dev.tandem.tokenizer.files;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/** Writes {@code tokenizer.json} as Hugging Face's library does, and as the tests want it. */
public final class TokenizerJson {
  public static final String BYTE_LEVEL =
      type("ByteLevel", "'add_prefix_space':false,'trim_offsets':true");
  public static final String BYTE_LEVEL_NO_REGEX =
      type("ByteLevel", "'add_prefix_space':false,'trim_offsets':true,'use_regex':false");
  static final String LLAMA_NORMALIZER =
      "{'type':'Sequence','normalizers':[{'type':'Prepend','prepend':'\u2581'},"
          + "{'type':'Replace','pattern':{'String':' '},'content':'\u2581'}]}";
  static final String LLAMA_DECODER =
      "{'type':'Sequence','decoders':[{'type':'Replace','pattern':{'String':'\u2581'},"
          + "'content':' '},{'type':'ByteFallback'},{'type':'Fuse'},"
          + "{'type':'Strip','content':' ','start':1,'stop':0}]}";
  static final String LLAMA_TEMPLATE =
      "{'type':'TemplateProcessing','single':[{'SpecialToken':{'id':'<s>','type_id':0}},"
          + "{'Sequence':{'id':'A','type_id':0}}],'pair':[{'Sequence':{'id':'A','type_id':0}},"
          + "{'Sequence':{'id':'B','type_id':1}}],'special_tokens':{'<s>':{'id':'<s>','ids':[1],"
          + "'tokens':['<s>']}}}";

  private static final ObjectMapper MAPPER =
      new ObjectMapper().enable(JsonParser.Feature.ALLOW_SINGLE_QUOTES);

  private final ObjectNode root = MAPPER.createObjectNode();
  private final ObjectNode model = MAPPER.createObjectNode();

  public TokenizerJson() {
    root.put("version", "1.0").putNull("truncation").putNull("padding");
    root.putArray("added_tokens");
    for (String section : List.of("normalizer", "pre_tokenizer", "post_processor", "decoder")) {
      root.putNull(section);
    }
    root.set("model", model);
    model.put("type", "BPE").putNull("dropout").putNull("unk_token");
    model.putNull("continuing_subword_prefix").putNull("end_of_word_suffix");
    model.put("fuse_unk", false).put("byte_fallback", false).put("ignore_merges", false);
  }

  private static String type(String name, String members) {
    return "{'type':'" + name + "'," + members + "}";
  }

  /** A sequence of pre-tokenizers. */
  public static String sequence(String... preTokenizers) {
    return "{'type':'Sequence','pretokenizers':[" + String.join(",", preTokenizers) + "]}";
  }

  /** A pre-tokenizer with a regular expression. */
  public static String split(String regex) {
    ObjectNode split = MAPPER.createObjectNode().put("type", "Split");
    split.putObject("pattern").put("Regex", regex);
    return split.put("behavior", "Isolated").put("invert", false).toString();
  }

  /** Sets a member, written with apostrophes or quotation marks. */
  public TokenizerJson with(String section, String json) {
    root.set(section, parse(json));
    return this;
  }

  public TokenizerJson withModel(String member, String json) {
    model.set(member, parse(json));
    return this;
  }

  static JsonNode parse(String json) {
    try {
      return MAPPER.readTree(json);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(json, e);
    }
  }

  public TokenizerJson vocab(Map<String, Integer> ids) {
    ObjectNode vocab = model.putObject("vocab");
    ids.forEach(vocab::put);
    return this;
  }

  /** Merges as strings, or as pairs, which newer files have. */
  public TokenizerJson merges(List<String> merges, boolean pairs) {
    ArrayNode array = model.putArray("merges");
    for (String merge : merges) {
      if (pairs) {
        int space = merge.indexOf(' ');
        array.addArray().add(merge.substring(0, space)).add(merge.substring(space + 1));
      } else {
        array.add(merge);
      }
    }
    return this;
  }

  public TokenizerJson added(
      int id, String content, boolean special, boolean normalized, String... flags) {
    ObjectNode token = ((ArrayNode) root.get("added_tokens")).addObject();
    token.put("id", id).put("content", content).put("single_word", false);
    token.put("lstrip", false).put("rstrip", false);
    token.put("normalized", normalized).put("special", special);
    for (String flag : flags) {
      token.put(flag, true);
    }
    return this;
  }

  public byte[] file() {
    return root.toString().getBytes(StandardCharsets.UTF_8);
  }
}
