using System.Globalization;
using System.Text.RegularExpressions;
using k8s;
using k8s.Models;

namespace R1Grains.Tests.Deploy;

/// <summary>What Kubernetes takes without a word and what then does not work.</summary>
/// <param name="provided">What the README tells operators to provide: "kind name", and "Secret name/key".</param>
internal sealed partial class ManifestChecks(Overlay overlay, IReadOnlySet<string> provided)
{
    private const int SiloPort = 11111;
    private const string QueueMetric = "r1grains_engine_requests_waiting";

    // What the database keeps for backups and people.
    private const int ConnectionsReserved = 20;
    private const int ConnectionsPerSilo = 24;

    private readonly IReadOnlyList<Workload> _workloads = overlay.Workloads;

    public IReadOnlyList<string> Faults() =>
        overlay.Faults.Count > 0 ? overlay.Faults
        : [.. Names(), .. Selectors(), .. References(), .. Environments(), .. Stops(), .. Probes(), .. Confinement(), .. Devices(), .. Network(), .. Scaling(), .. Connections()];

    private IEnumerable<string> Names()
    {
        foreach (var resource in overlay.All<IKubernetesObject<V1ObjectMeta>>())
        {
            if (resource.Metadata.NamespaceProperty is not null) yield return $"{resource.Kind} {resource.Metadata.Name} names a namespace, which is the overlay's to name";
            if (resource.Metadata.Labels?.ContainsKey("app.kubernetes.io/part-of") is not true) yield return $"{resource.Kind} {resource.Metadata.Name} does not say what it is part of";
        }
    }

    private IEnumerable<string> Selectors()
    {
        foreach (var workload in _workloads)
            if (!workload.Matches(workload.Selector)) yield return $"{workload.Name} does not select its own pods";
        foreach (var service in overlay.All<V1Service>())
        {
            var pods = _workloads.Where(workload => workload.Matches(service.Spec.Selector)).ToArray();
            if (pods.Length != 1) yield return $"Service {service.Metadata.Name} selects the pods of {pods.Length} workloads";
            foreach (var port in service.Spec.Ports)
                if (pods.Any(pod => !pod.Listens(port.TargetPort))) yield return $"Service {service.Metadata.Name} leads to port {port.TargetPort.Value}, where nobody listens";
        }
        foreach (var stateful in overlay.All<V1StatefulSet>())
            if (!overlay.All<V1Service>().Any(service => service.Metadata.Name == stateful.Spec.ServiceName && service.Spec.ClusterIP == "None"))
                yield return $"StatefulSet {stateful.Metadata.Name} has its names from {stateful.Spec.ServiceName}, which is no headless Service";
        foreach (var budget in overlay.All<V1PodDisruptionBudget>())
            if (_workloads.Count(workload => workload.Matches(budget.Spec.Selector)) != 1) yield return $"PodDisruptionBudget {budget.Metadata.Name} is not for the pods of one workload";
        foreach (var silo in Silos())
            if (!overlay.All<V1PodDisruptionBudget>().Any(budget => silo.Matches(budget.Spec.Selector))) yield return $"{silo.Name} has no PodDisruptionBudget";
        foreach (var workload in _workloads)
            foreach (var constraint in workload.Pods.SelectMany(pod => pod.TopologySpreadConstraints ?? []))
                if (!workload.Matches(constraint.LabelSelector)) yield return $"{workload.Name} is spread over {constraint.TopologyKey} by the pods of another";
    }

    private IEnumerable<string> References()
    {
        var accounts = overlay.All<V1ServiceAccount>().ToDictionary(account => account.Metadata.Name);
        foreach (var workload in _workloads)
        {
            if (!accounts.TryGetValue(workload.Pod.ServiceAccountName ?? "", out var account)) yield return $"{workload.Name} runs as {workload.Pod.ServiceAccountName}, which does not exist";
            else if (account.AutomountServiceAccountToken is not false || workload.Pod.AutomountServiceAccountToken is not false) yield return $"{workload.Name} gets a token of Kubernetes that it has no use for";

            foreach (var map in workload.ConfigMapsOfEnvironment.Concat(workload.Volumes.Select(volume => volume.ConfigMap?.Name).OfType<string>()))
                if (!overlay.ConfigMaps.ContainsKey(map)) yield return $"{workload.Name} uses ConfigMap {map}, which does not exist";
            foreach (var key in workload.Environment.Select(variable => variable.ValueFrom?.SecretKeyRef).OfType<V1SecretKeySelector>())
                if (!provided.Contains($"Secret {key.Name}/{key.Key}")) yield return $"{workload.Name} uses key {key.Key} of Secret {key.Name}, which no README asks for";
            foreach (var volume in workload.Volumes)
            {
                if (volume.Secret is { } secret)
                    foreach (var key in secret.Items?.Select(item => item.Key) ?? workload.Mounts.Where(mount => mount.Name == volume.Name).Select(mount => mount.SubPath))
                        if (!provided.Contains($"Secret {secret.SecretName}/{key}")) yield return $"{workload.Name} uses key {key} of Secret {secret.SecretName}, which no README asks for";
                if (volume.PersistentVolumeClaim is { } claim && !provided.Contains($"PersistentVolumeClaim {claim.ClaimName}"))
                    yield return $"{workload.Name} uses PersistentVolumeClaim {claim.ClaimName}, which no README asks for";
            }

            var volumes = workload.Volumes.Select(volume => volume.Name).Concat(workload.Claims.Select(claim => claim.Metadata.Name)).ToHashSet();
            foreach (var mount in workload.Mounts)
                if (!volumes.Contains(mount.Name)) yield return $"{workload.Name} mounts {mount.Name}, which is no volume of it";
            foreach (var volume in volumes)
                if (workload.Mounts.All(mount => mount.Name != volume)) yield return $"{workload.Name} has the volume {volume} and mounts it nowhere";
            if (workload.IsSilo && !overlay.Images.ContainsKey(workload.Image)) yield return $"{workload.Name} runs {workload.Image}, which the overlay maps to no image";
        }
        foreach (var scaler in overlay.All<V2HorizontalPodAutoscaler>())
            if (_workloads.All(workload => workload.Kind != scaler.Spec.ScaleTargetRef.Kind || workload.Resource != scaler.Spec.ScaleTargetRef.Name)) yield return $"HorizontalPodAutoscaler {scaler.Metadata.Name} scales {scaler.Spec.ScaleTargetRef.Name}, which does not exist";
    }

    private IEnumerable<string> Environments()
    {
        foreach (var silo in Silos())
        {
            var environment = EnvironmentOf(silo);
            var helpers = silo.Environment.SelectMany(variable => Reference().Matches(variable.Value ?? "")).Select(match => match.Groups[1].Value).ToHashSet();
            foreach (var name in HostSettings.Unknown(environment.Keys.Except(helpers))) yield return $"{silo.Name} sets {name}, which the host does not know";

            var earlier = new HashSet<string>();
            foreach (var variable in silo.Environment)
            {
                foreach (var name in Reference().Matches(variable.Value ?? "").Select(match => match.Groups[1].Value).Where(name => !earlier.Contains(name)))
                    yield return $"{silo.Name} uses $({name}) in {variable.Name} before it is set, so it stays as it is written";
                earlier.Add(variable.Name);
            }

            if (HostSettings.Refusal(Expanded(environment), out _) is { } refusal) yield return $"{silo.Name}: {refusal}";
            foreach (var name in new[] { "R1__Roles", "R1__Silo__Name", "R1__Silo__Listen", "R1__Cluster", "ConnectionStrings__Postgres", "ConnectionStrings__Redis" })
                if (!environment.ContainsKey(name)) yield return $"{silo.Name} does not set {name}";
            if (silo.Labels["app.kubernetes.io/component"] != environment.GetValueOrDefault("R1__Roles")) yield return $"{silo.Name} has other roles than its name says";
            if (!silo.Listens(SiloPort) || environment.GetValueOrDefault("R1__Silo__Listen") != $"$(POD_IP):{SiloPort}") yield return $"{silo.Name} is not reached by other silos on port {SiloPort} of its pod";
        }
    }

    private IEnumerable<string> Stops()
    {
        foreach (var silo in Silos())
        {
            if (HostSettings.Refusal(Expanded(EnvironmentOf(silo)), out var settings) is not null) continue;
            var needed = settings!.ShutdownTimeout + HostSettings.ServicesStop + TimeSpan.FromSeconds(silo.Container.Lifecycle?.PreStop?.Sleep?.Seconds ?? 0);
            if (silo.Pod.TerminationGracePeriodSeconds is not { } grace || grace <= needed.TotalSeconds) yield return $"{silo.Name} is killed {silo.Pod.TerminationGracePeriodSeconds} s after it is asked to stop, and may need {needed.TotalSeconds} s";
            if (overlay.All<V1Service>().Any(service => service.Spec.ClusterIP != "None" && silo.Matches(service.Spec.Selector)) && silo.Container.Lifecycle?.PreStop is null)
                yield return $"{silo.Name} stops before its Service knows";
        }
    }

    private IEnumerable<string> Probes()
    {
        foreach (var silo in Silos())
        {
            (string Name, V1Probe? Probe)[] probes = [("startup", silo.Container.StartupProbe), ("readiness", silo.Container.ReadinessProbe), ("liveness", silo.Container.LivenessProbe)];
            foreach (var (name, probe) in probes)
                if (probe?.Grpc is not { } grpc || !EnvironmentOf(silo).GetValueOrDefault("R1__Listen", "").EndsWith($":{grpc.Port}", StringComparison.Ordinal) || !silo.Listens(grpc.Port))
                    yield return $"{silo.Name} is not asked for its {name} where it listens";
            if (silo.Container.LivenessProbe is { } liveness && (liveness.PeriodSeconds ?? 10) * (liveness.FailureThreshold ?? 3) < 30) yield return $"{silo.Name} is restarted for what may pass";
            if (silo.Resource.EndsWith("inference", StringComparison.Ordinal) && silo.Container.StartupProbe is { } startup && startup.PeriodSeconds * startup.FailureThreshold < 600)
                yield return $"{silo.Name} has no time to load a large model";
        }
    }

    private IEnumerable<string> Confinement()
    {
        foreach (var workload in _workloads)
        {
            if (workload.Pod.SecurityContext is not { RunAsNonRoot: true, RunAsUser: > 0, SeccompProfile.Type: "RuntimeDefault" }) yield return $"{workload.Name} may run as root or without seccomp";
            if (workload.Container.SecurityContext is not { AllowPrivilegeEscalation: false, Privileged: not true, Capabilities: { Drop: ["ALL"], Add: null } }) yield return $"{workload.Name} may have privileges";
            if (workload.Container.SecurityContext?.ReadOnlyRootFilesystem is not true) yield return $"{workload.Name} may write to its image";
            if (workload.Resources is not { } resources) yield return $"{workload.Name} has no resources";
            else if (resources.Limits?.ContainsKey("memory") is not true || resources.Requests?.ContainsKey("cpu") is not true || !resources.Requests.ContainsKey("memory")) yield return $"{workload.Name} lacks a request or the limit of its memory";
            if (workload.IsSilo)
                foreach (var folder in new[] { "/tmp", EnvironmentOf(workload).GetValueOrDefault("R1__Data", "?") })
                    if (workload.Mounts.All(mount => mount.MountPath != folder || mount.ReadOnlyProperty is true)) yield return $"{workload.Name} cannot write to {folder}";
        }
    }

    private IEnumerable<string> Devices()
    {
        foreach (var silo in Silos())
        {
            var cuda = EnvironmentOf(silo).GetValueOrDefault("R1__Engine__Provider") == "cuda";
            var gpus = silo.Resources?.Limits?.TryGetValue("nvidia.com/gpu", out var count) is true ? count.ToString() : "0";
            if (gpus != (cuda ? "1" : "0")) yield return $"{silo.Name} computes on {(cuda ? "a GPU" : "the CPU")} and gets {gpus} GPUs";
            if (cuda && !silo.Pods.Any(pod => pod.Tolerations?.Any(toleration => toleration.Key == "nvidia.com/gpu") is true)) yield return $"{silo.Name} is kept off the nodes with GPUs";
            if (cuda && !silo.Pods.Any(pod => pod.NodeSelector?.Count > 0)) yield return $"{silo.Name} may be put on a node without a GPU";
            if (cuda && !overlay.Images.GetValueOrDefault(silo.Image, "").EndsWith("-gpu", StringComparison.Ordinal)) yield return $"{silo.Name} has an image without CUDA";
        }
    }

    private IEnumerable<string> Network()
    {
        var policies = overlay.All<V1NetworkPolicy>().ToArray();
        foreach (var policy in policies)
        {
            var pods = Selected(policy);
            if (pods.Length == 0) yield return $"NetworkPolicy {policy.Metadata.Name} is for no pod";
            foreach (var rule in policy.Spec.Ingress ?? [])
                foreach (var port in rule.Ports)
                    if (pods.Any(pod => !pod.Listens(port.Port))) yield return $"NetworkPolicy {policy.Metadata.Name} lets in to port {port.Port.Value}, where not all of its pods listen";
            foreach (var (peer, port) in from rule in policy.Spec.Egress ?? [] from peer in rule.To where peer.PodSelector is not null from port in rule.Ports select (peer, port))
                if (_workloads.Where(workload => workload.Matches(peer.PodSelector)).ToArray() is var to && (to.Length == 0 || to.Any(pod => !pod.Listens(port.Port))))
                    yield return $"NetworkPolicy {policy.Metadata.Name} lets out to port {port.Port.Value} of pods that do not listen there";
            foreach (var peer in (policy.Spec.Ingress ?? []).SelectMany(rule => rule.FromProperty).Where(peer => peer.PodSelector is not null))
                if (!_workloads.Any(workload => workload.Matches(peer.PodSelector))) yield return $"NetworkPolicy {policy.Metadata.Name} lets in pods that do not exist";
        }

        foreach (var workload in _workloads)
            if (!policies.Any(policy => workload.Matches(policy.Spec.PodSelector) && policy.Spec.Ingress is null && policy.Spec.Egress is null && policy.Spec.PolicyTypes.Count == 2))
                yield return $"{workload.Name} is open where no policy speaks of it";
        foreach (var (from, to) in from one in Silos() from other in Silos() select (one, other))
            if (!Reaches(from, to, SiloPort)) yield return $"{from.Name} does not reach {to.Name} on port {SiloPort}";
        foreach (var (from, to) in from silo in Silos() from store in _workloads where !store.IsSilo select (silo, store))
            if (!Reaches(from, to, to.Ports[0].ContainerPort)) yield return $"{from.Name} does not reach {to.Name}";
        foreach (var store in _workloads.Where(workload => !workload.IsSilo))
            if (policies.Where(policy => store.Matches(policy.Spec.PodSelector)).SelectMany(policy => policy.Spec.Ingress ?? []).SelectMany(rule => rule.FromProperty).Any(peer => peer.PodSelector is null || Silos().All(silo => !silo.Matches(peer.PodSelector))))
                yield return $"{store.Name} is reached by others than silos";
        foreach (var silo in Silos())
            foreach (var port in new[] { 53, 5432, 6379 })
                if (!policies.Any(policy => silo.Matches(policy.Spec.PodSelector) && policy.Spec.Egress?.Any(rule => rule.Ports.Any(own => own.Port.Value == Text(port))) is true))
                    yield return $"{silo.Name} is not let out to port {port}";
        foreach (var silo in Silos())
            if (Uri.TryCreate(EnvironmentOf(silo).GetValueOrDefault("OTEL_EXPORTER_OTLP_ENDPOINT"), UriKind.Absolute, out var collector)
                && !policies.Any(policy => silo.Matches(policy.Spec.PodSelector) && policy.Spec.Egress?.Any(rule => rule.Ports.Any(own => own.Port.Value == Text(collector.Port))) is true))
                yield return $"{silo.Name} is not let out to the collector";
    }

    private IEnumerable<string> Scaling()
    {
        foreach (var silo in Silos())
        {
            var scaler = overlay.All<V2HorizontalPodAutoscaler>().SingleOrDefault(scaler => scaler.Spec.ScaleTargetRef.Name == silo.Resource);
            if (scaler is null)
            {
                yield return $"{silo.Name} is not scaled";
                continue;
            }
            if (silo.Replicas is not null) yield return $"{silo.Name} names its replicas, so that every apply undoes its autoscaler";
            if (scaler.Spec.MinReplicas is null or < 2) yield return $"{silo.Name} may be one pod, whose loss nobody takes over";
            if (scaler.Spec.Behavior?.ScaleDown is not { StabilizationWindowSeconds: >= 300, Policies: [{ Type: "Pods", Value: 1 }] }) yield return $"{silo.Name} is scaled down in haste";
            foreach (var metrics in overlay.PatchesOf(scaler).Append(scaler).Select(part => part.Spec.Metrics))
            {
                if (!metrics.Any(metric => metric.Resource is { Name: "cpu", Target: { Type: "Utilization", AverageUtilization: 70 } })) yield return $"{silo.Name} is not scaled by CPU";
                foreach (var metric in metrics.Select(metric => metric.Pods?.Metric.Name).OfType<string>().Where(name => name != QueueMetric)) yield return $"{silo.Name} is scaled by {metric}, which nobody measures";
            }
        }
    }

    /// <summary>All silos at once, the surge of a rolling update among them, must not ask the reference database for more than it gives.</summary>
    private IEnumerable<string> Connections()
    {
        if (!overlay.ConfigMaps.TryGetValue("r1grains-postgresql", out var files)) yield break;
        var most = int.Parse(MaxConnections().Match(files["postgresql.conf"]).Groups[1].Value, CultureInfo.InvariantCulture);
        var silos = overlay.All<V2HorizontalPodAutoscaler>().Sum(scaler => scaler.Spec.MaxReplicas) + overlay.All<V1Deployment>().Count();
        if (silos * ConnectionsPerSilo + ConnectionsReserved > most) yield return $"{silos} silos may ask PostgreSQL for more than its {most} connections";
    }

    private IEnumerable<Workload> Silos() => _workloads.Where(workload => workload.IsSilo);

    private Workload[] Selected(V1NetworkPolicy policy) => [.. _workloads.Where(workload => workload.Matches(policy.Spec.PodSelector))];

    private bool Reaches(Workload from, Workload to, int port)
    {
        var policies = overlay.All<V1NetworkPolicy>().ToArray();
        return policies.Any(policy => from.Matches(policy.Spec.PodSelector)
                && policy.Spec.Egress?.Any(rule => rule.Ports.Any(own => own.Port.Value == Text(port)) && rule.To.Any(peer => to.Matches(peer.PodSelector))) is true)
            && policies.Any(policy => to.Matches(policy.Spec.PodSelector)
                && policy.Spec.Ingress?.Any(rule => rule.Ports.Any(own => own.Port.Value == Text(port)) && rule.FromProperty.Any(peer => from.Matches(peer.PodSelector))) is true);
    }

    /// <summary>As it is written, with examples for what only the cluster knows.</summary>
    private Dictionary<string, string> EnvironmentOf(Workload silo)
    {
        var environment = silo.ConfigMapsOfEnvironment.SelectMany(map => overlay.ConfigMaps.GetValueOrDefault(map, [])).GroupBy(setting => setting.Key).ToDictionary(same => same.Key, same => same.Last().Value);
        foreach (var variable in silo.Environment)
            environment[variable.Name] = variable.ValueFrom?.SecretKeyRef?.Key switch
            {
                "postgres" => "Host=postgresql.example;Database=r1grains;Username=r1grains;Password=secret;Maximum Pool Size=20",
                "keys" => "Host=keys.example;Database=r1keys;Username=keymaster;Password=secret",
                "redis" => "redis.example:6379,password=secret",
                _ => variable.Value ?? (variable.ValueFrom?.FieldRef?.FieldPath == "status.podIP" ? "10.0.0.7" : "example"),
            };
        return environment;
    }

    /// <summary>As the process sees it.</summary>
    private static Dictionary<string, string> Expanded(Dictionary<string, string> environment) => environment.ToDictionary(
        variable => variable.Key,
        variable => Reference().Replace(variable.Value, match => environment.GetValueOrDefault(match.Groups[1].Value, match.Value)));

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\$\((\w+)\)")]
    private static partial Regex Reference();

    [GeneratedRegex(@"^max_connections = (\d+)$", RegexOptions.Multiline)]
    private static partial Regex MaxConnections();
}
