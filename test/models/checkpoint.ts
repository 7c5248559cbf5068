/**
 * A second counting that shares nothing with server/models: the tensor names and shapes of three checkpoints as their
 * safetensors index lists them, written out layer by layer and expert by expert.
 */
export type Shapes = [name: string, ...dims: number[]][];

export function total(shapes: Shapes): bigint {
  let sum = 0n;
  for (const [, ...dims] of shapes) sum += dims.reduce((product, d) => product * BigInt(d), 1n);
  return sum;
}

export function qwen3_8b(): Shapes {
  const out: Shapes = [['model.embed_tokens.weight', 151936, 4096], ['lm_head.weight', 151936, 4096], ['model.norm.weight', 4096]];
  for (let l = 0; l < 36; l += 1) {
    const p = `model.layers.${l}.`;
    out.push(
      [`${p}self_attn.q_proj.weight`, 4096, 4096], [`${p}self_attn.k_proj.weight`, 1024, 4096], [`${p}self_attn.v_proj.weight`, 1024, 4096], [`${p}self_attn.o_proj.weight`, 4096, 4096],
      [`${p}self_attn.q_norm.weight`, 128], [`${p}self_attn.k_norm.weight`, 128],
      [`${p}mlp.gate_proj.weight`, 12288, 4096], [`${p}mlp.up_proj.weight`, 12288, 4096], [`${p}mlp.down_proj.weight`, 4096, 12288],
      [`${p}input_layernorm.weight`, 4096], [`${p}post_attention_layernorm.weight`, 4096],
    );
  }
  return out;
}

export function qwen3_30b_a3b(): Shapes {
  const out: Shapes = [['model.embed_tokens.weight', 151936, 2048], ['lm_head.weight', 151936, 2048], ['model.norm.weight', 2048]];
  for (let l = 0; l < 48; l += 1) {
    const p = `model.layers.${l}.`;
    out.push(
      [`${p}self_attn.q_proj.weight`, 4096, 2048], [`${p}self_attn.k_proj.weight`, 512, 2048], [`${p}self_attn.v_proj.weight`, 512, 2048], [`${p}self_attn.o_proj.weight`, 2048, 4096],
      [`${p}self_attn.q_norm.weight`, 128], [`${p}self_attn.k_norm.weight`, 128], [`${p}mlp.gate.weight`, 128, 2048],
      [`${p}input_layernorm.weight`, 2048], [`${p}post_attention_layernorm.weight`, 2048],
    );
    for (let e = 0; e < 128; e += 1) out.push([`${p}mlp.experts.${e}.gate_proj.weight`, 768, 2048], [`${p}mlp.experts.${e}.up_proj.weight`, 768, 2048], [`${p}mlp.experts.${e}.down_proj.weight`, 2048, 768]);
  }
  return out;
}

/** Layers 0–60 are the model, layer 61 is the MTP layer with its own embedding and head. */
export function deepseekV3(): Shapes {
  const out: Shapes = [['model.embed_tokens.weight', 129280, 7168], ['lm_head.weight', 129280, 7168], ['model.norm.weight', 7168]];
  for (let l = 0; l < 62; l += 1) {
    const p = `model.layers.${l}.`;
    out.push(
      [`${p}self_attn.q_a_proj.weight`, 1536, 7168], [`${p}self_attn.q_a_layernorm.weight`, 1536], [`${p}self_attn.q_b_proj.weight`, 24576, 1536],
      [`${p}self_attn.kv_a_proj_with_mqa.weight`, 576, 7168], [`${p}self_attn.kv_a_layernorm.weight`, 512], [`${p}self_attn.kv_b_proj.weight`, 32768, 512], [`${p}self_attn.o_proj.weight`, 7168, 16384],
      [`${p}input_layernorm.weight`, 7168], [`${p}post_attention_layernorm.weight`, 7168],
    );
    if (l < 3) {
      out.push([`${p}mlp.gate_proj.weight`, 18432, 7168], [`${p}mlp.up_proj.weight`, 18432, 7168], [`${p}mlp.down_proj.weight`, 7168, 18432]);
      continue;
    }
    out.push([`${p}mlp.gate.weight`, 256, 7168], [`${p}mlp.gate.e_score_correction_bias`, 256]);
    out.push([`${p}mlp.shared_experts.gate_proj.weight`, 2048, 7168], [`${p}mlp.shared_experts.up_proj.weight`, 2048, 7168], [`${p}mlp.shared_experts.down_proj.weight`, 7168, 2048]);
    for (let e = 0; e < 256; e += 1) out.push([`${p}mlp.experts.${e}.gate_proj.weight`, 2048, 7168], [`${p}mlp.experts.${e}.up_proj.weight`, 2048, 7168], [`${p}mlp.experts.${e}.down_proj.weight`, 7168, 2048]);
  }
  const p = 'model.layers.61.';
  out.push([`${p}eh_proj.weight`, 7168, 14336], [`${p}enorm.weight`, 7168], [`${p}hnorm.weight`, 7168], [`${p}shared_head.norm.weight`, 7168], [`${p}embed_tokens.weight`, 129280, 7168], [`${p}shared_head.head.weight`, 129280, 7168]);
  return out;
}
