#!/bin/bash
# A Ray cluster inside one Slurm job, and `raysynth generate` on it.
#
#   source .venv/bin/activate
#   sbatch --nodes=4 --gpus-per-node=2 launch/slurm.sh configs/nuclei-2d.yaml --frames 100000 --out /shared/nuclei.zarr
#
# All arguments go to `raysynth generate`. Submit the job again, or let Slurm requeue it, to resume the run.
# All nodes must see the environment and the output. They need not see the bundle.
#SBATCH --job-name=raysynth
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail

JOIN_SECONDS=${JOIN_SECONDS:-300}  # how long to wait for nodes

# Whatever reaches the cluster must carry a token from ~/.ray, which the nodes share: others cannot use it.
export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0
ray get-auth-token --generate > /dev/null

mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
head=${nodes[0]}
ip=$(srun --overlap --nodes=1 --ntasks=1 --nodelist="$head" hostname -I | awk '{print $1}')
port=$((20000 + SLURM_JOB_ID % 10000))  # jobs that share a node do not share a port
resources="--num-cpus=${SLURM_CPUS_PER_TASK:-$SLURM_CPUS_ON_NODE} --num-gpus=${SLURM_GPUS_ON_NODE:-0}"

start() {  # node, options: a Ray node in a job step that lasts as long as this script
    local node=$1
    shift
    srun --overlap --nodes=1 --ntasks=1 --nodelist="$node" ray start --block $resources "$@" &
    steps+=($!)
}

# Each step ends its own Ray processes.
steps=()
trap 'kill "${steps[@]}" 2> /dev/null || true; wait || true' EXIT

start "$head" --head --node-ip-address="$ip" --port="$port" --include-dashboard=false --temp-dir="/tmp/ray-$SLURM_JOB_ID"
until (: < "/dev/tcp/$ip/$port") 2> /dev/null; do
    kill -0 "${steps[0]}" 2> /dev/null || { echo "slurm.sh: Ray did not start on $head" >&2; exit 1; }
    sleep 1
done
for node in "${nodes[@]:1}"; do
    start "$node" --address="$ip:$port"
done

# `generate` plans for the nodes that are there, and does without those that do not come in time.
python - "$ip:$port" "${#nodes[@]}" "$JOIN_SECONDS" << 'END'
import sys, time
import ray

address, nodes, patience = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
ray.init(address, logging_level="ERROR", log_to_driver=False)
until = time.monotonic() + patience
while (there := sum(node["Alive"] for node in ray.nodes())) < nodes and time.monotonic() < until:
    time.sleep(1)
print(f"slurm.sh: {there} of {nodes} nodes, {ray.cluster_resources().get('GPU', 0):g} GPUs")
END

raysynth generate "$@" --address "$ip:$port"
