/** Lines of a start over several ranks that tell how far it came. Source: xLLM's dist_manager.cpp and worker_impl.cpp (xllm.md 3.1, 3.3). Pure. */

/** A rank has joined rank 0. */
export const joinedPattern = /Worker#\d+ connect to \S+ success/;
/** All ranks have joined. */
export const allJoinedPattern = /Started cluster health check thread/;
/** A rank has its weights; every rank prints this, rank 0 too (worker_impl.cpp:2116; SGLang's wording behind it). */
export const loadedPattern = /Weight loading completed|Load weight end\./;
