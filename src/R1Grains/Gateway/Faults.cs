using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Orleans.Runtime;
using R1Grains.Conversations;
using R1Grains.Operations;
using Enum = System.Enum;
using Status = Google.Rpc.Status;

namespace R1Grains.Gateway;

/// <summary>The only place where a refusal or an exception becomes a status, and where customers' words for it stand.</summary>
public sealed partial class Faults(ILogger<Faults> log)
{
    public const string Domain = "r1grains";

    private static readonly TimeSpan DefaultRetry = TimeSpan.FromSeconds(1);

    private static readonly FrozenDictionary<Reason, Fault> Catalogue = new Dictionary<Reason, Fault>
    {
        [Reason.Internal] = new(Code.Internal, "系统出现问题，请稍后再试或联系人工客服。", "Something went wrong on our side. Please try again later or contact an agent."),
        [Reason.MissingRequestId] = new(Code.InvalidArgument, "请求缺少编号，无法处理。", "The request has no id and cannot be handled."),
        [Reason.MissingPurpose] = new(Code.InvalidArgument, "请说明查阅的目的。", "Say for what purpose this is read."),
        [Reason.SearchIndexOutdated] = new(Code.FailedPrecondition, "检索索引需要重建，请联系运维人员。", "The search index has to be built anew. Please contact the operators."),
        [Reason.InvalidName] = new(Code.InvalidArgument, "请求中的名称无效。", "A name in the request is not valid."),
        [Reason.InvalidArgument] = new(Code.InvalidArgument, "请求内容无效。", "The request is not valid."),
        [Reason.InvalidPageToken] = new(Code.InvalidArgument, "翻页标记无效，请从第一页重新查看。", "The list must be read again from its first page."),
        [Reason.RequestIdReused] = new(Code.InvalidArgument, "该请求编号已用于其他内容。", "This request id was already used for something else."),
        [Reason.ConversationExists] = new(Code.AlreadyExists, "该会话已存在。", "This conversation already exists."),
        [Reason.TenantNotFound] = new(Code.NotFound, "未找到该机构。", "The organisation was not found."),
        [Reason.ConversationNotFound] = new(Code.NotFound, "未找到该会话。", "The conversation was not found."),
        [Reason.ConversationCompleted] = new(Code.FailedPrecondition, "会话已结束，请开始新的会话。", "The conversation has ended. Please begin a new one."),
        [Reason.ConversationErased] = new(Code.FailedPrecondition, "该会话的内容已被删除，请开始新的会话。", "What was said in this conversation has been erased. Please begin a new one."),
        [Reason.CustomerRestricted] = new(Code.FailedPrecondition, "该客户的内容正在删除，暂时无法使用。", "What this customer said is being erased and cannot be used."),
        [Reason.LegalHoldNotFound] = new(Code.NotFound, "未找到该法律保全。", "The legal hold was not found."),
        [Reason.LegalHoldInForce] = new(Code.FailedPrecondition, "内容处于法律保全中，不能删除。", "A legal hold keeps it: it cannot be erased."),
        [Reason.RetentionRunning] = new(Code.FailedPrecondition, "内容仍在法定保存期内，不能删除。", "It must still be kept by law: it cannot be erased yet."),
        [Reason.NothingToErase] = new(Code.FailedPrecondition, "没有可删除的内容。", "There is nothing to erase."),
        [Reason.ErasureNotFound] = new(Code.NotFound, "未找到该删除申请。", "The erasure was not found."),
        [Reason.ErasureUnderWay] = new(Code.FailedPrecondition, "内容正在删除，无法保全。", "It is being erased already and cannot be kept."),
        [Reason.ExportNotFound] = new(Code.NotFound, "未找到该导出。", "The export was not found."),
        [Reason.ExportNotReady] = new(Code.FailedPrecondition, "导出尚未就绪或已取消。", "The export is not ready, or was cancelled."),
        [Reason.VerificationUnderWay] = new(Code.ResourceExhausted, "记录正在核验中，请稍后再试。", "The record is being verified already. Please try again later.", Retry: true),
        [Reason.TurnNotFound] = new(Code.NotFound, "未找到该轮对话。", "This turn of the conversation was not found."),
        [Reason.SequenceOutOfRange] = new(Code.OutOfRange, "续传位置无效。", "The answer cannot be continued from this place."),
        [Reason.InputEmpty] = new(Code.InvalidArgument, "请输入您的问题。", "Please type your question."),
        [Reason.InputTooLong] = new(Code.InvalidArgument, "您的输入太长，请缩短后再试。", "Your message is too long. Please shorten it and try again."),
        [Reason.StaleTurnIndex] = new(Code.Aborted, "会话已有更新，请刷新后再试。", "The conversation has moved on. Please refresh and try again."),
        [Reason.TurnInProgress] = new(Code.Aborted, "上一个问题正在回答中，请稍候。", "The previous question is still being answered. Please wait a moment.", Retry: true),
        [Reason.TurnQueueFull] = new(Code.ResourceExhausted, "待回答的问题过多，请稍候再试。", "Too many questions are waiting. Please try again in a moment.", Retry: true),
        [Reason.ModelQueueFull] = new(Code.ResourceExhausted, "当前咨询人数较多，请稍后再试。", "We are very busy right now. Please try again shortly.", Retry: true),
        [Reason.ModelUnavailable] = new(Code.Unavailable, "服务暂时不可用，请稍后再试。", "The service is not available right now. Please try again shortly.", Retry: true),
        [Reason.DeadlineTooShort] = new(Code.DeadlineExceeded, "等待时间不足，请稍后再试。", "There was not enough time to answer. Please try again."),
        [Reason.DeadlineExceeded] = new(Code.DeadlineExceeded, "回答超时，请重试。", "The answer took too long. Please try again."),
        [Reason.RecordUnavailable] = new(Code.Unavailable, "服务暂时不可用，请稍后再试。", "The service is not available right now. Please try again shortly.", Retry: true),
        [Reason.RecordConflict] = new(Code.Internal, "系统出现问题，请联系人工客服。", "Something went wrong on our side. Please contact an agent."),
        [Reason.StaleEpoch] = new(Code.Unavailable, "服务正在切换，请稍后再试。", "The service is switching over. Please try again in a moment.", Retry: true),
        [Reason.NodeUnavailable] = new(Code.Unavailable, "服务正在切换，请稍后再试。", "The service is switching over. Please try again in a moment.", Retry: true),
        [Reason.NodeDraining] = new(Code.Unavailable, "服务正在切换，请稍后再试。", "The service is switching over. Please try again in a moment.", Retry: true),
        [Reason.ProofPending] = new(Code.Unavailable, "凭证正在生成，请稍后再试。", "The proof is being made. Please try again in a moment.", Retry: true),
        [Reason.Unauthenticated] = new(Code.Unauthenticated, "身份验证失败，请重新登录。", "Please sign in again."),
        [Reason.IssuerUnavailable] = new(Code.Unavailable, "身份验证服务暂时不可用，请稍后再试。", "Signing in is not possible right now. Please try again shortly.", Retry: true),
        [Reason.RoleBindingNotFound] = new(Code.NotFound, "未找到该角色分配。", "The role binding was not found."),
        [Reason.RoleBindingExists] = new(Code.AlreadyExists, "该用户已有角色分配。", "This subject already has a role binding."),
        [Reason.ApiKeyNotFound] = new(Code.NotFound, "未找到该密钥。", "The key was not found."),
        [Reason.ApiKeyExists] = new(Code.AlreadyExists, "该密钥已存在。", "This key already exists."),
        [Reason.TenantExists] = new(Code.AlreadyExists, "该机构已存在。", "The organisation exists already."),
        [Reason.RateExceeded] = new(Code.ResourceExhausted, "请求过于频繁，请稍后再试。", "Too many requests. Please try again in a moment.", Retry: true),
        [Reason.CallsExceeded] = new(Code.ResourceExhausted, "当前咨询人数较多，请稍后再试。", "We are very busy right now. Please try again shortly.", Retry: true),
        [Reason.TokensExceeded] = new(Code.ResourceExhausted, "已达到用量上限，请稍后再试。", "The usage limit has been reached. Please try again shortly.", Retry: true),
        [Reason.PermissionDenied] = new(Code.PermissionDenied, "您没有执行此操作的权限。", "You are not allowed to do this."),
        [Reason.WordListNotFound] = new(Code.NotFound, "未找到该词表。", "The word list was not found."),
        [Reason.WordListExists] = new(Code.AlreadyExists, "该词表已存在。", "This word list already exists."),
        [Reason.WordListsFull] = new(Code.FailedPrecondition, "词表数量已达上限。", "There are as many word lists as may be kept."),
        [Reason.EtagMismatch] = new(Code.Aborted, "内容已被他人修改，请刷新后再试。", "Somebody else has changed it. Please read it again."),
        [Reason.ProposalNotFound] = new(Code.NotFound, "未找到该提案。", "The proposal was not found."),
        [Reason.ProposalDecided] = new(Code.FailedPrecondition, "该提案已有决定。", "The proposal has been decided."),
        [Reason.ProposalOutdated] = new(Code.FailedPrecondition, "该提案已过期，请重新提交。", "The proposal is out of date. Please propose again."),
        [Reason.AnotherPersonNeeded] = new(Code.FailedPrecondition, "需由另一人审批。", "Somebody else must approve it."),
        [Reason.EditionNotFound] = new(Code.NotFound, "未找到该版本。", "The edition was not found."),
        [Reason.HeldTurnNotFound] = new(Code.NotFound, "未找到待审核的对话。", "No such turn waits for a person."),
        [Reason.KeyRotationNotFound] = new(Code.NotFound, "未找到该密钥轮换。", "The key rotation was not found."),
        [Reason.HeldTurnDecided] = new(Code.FailedPrecondition, "该对话已有审核决定。", "Somebody else has decided about this turn."),
    }.ToFrozenDictionary();

    /// <param name="Zh">For customers, zh-CN.</param>
    /// <param name="En">For customers, en.</param>
    /// <param name="Retry">The same request may succeed later: the status says when, even if the refusal does not.</param>
    private sealed record Fault(Code Code, string Zh, string En, bool Retry = false);

    /// <summary>Why a turn failed. That is recorded and final: no retry is advised, because the same request finds the same turn.</summary>
    /// <param name="language">As for <see cref="Status"/>.</param>
    public static Status Failure(Refusal refusal, string? language)
    {
        var status = Status(refusal, language);
        if (status.Details.FirstOrDefault(detail => detail.Is(RetryInfo.Descriptor)) is { } retry)
            status.Details.Remove(retry);
        return status;
    }

    /// <param name="language">"zh" or "en", as the caller asked; null for the language of the conversation.</param>
    public static Status Status(Refusal refusal, string? language)
    {
        var fault = Catalogue[refusal.Reason];
        // A foreign name and a missing one must not differ in a single byte.
        var hidden = fault.Code is Code.NotFound;
        var known = refusal.Metadata ?? ImmutableDictionary<string, string>.Empty;
        var metadata = hidden ? [] : known.RemoveRange([Refusal.FieldKey, Refusal.LanguageKey]);
        var status = new Status { Code = (int)fault.Code, Message = hidden ? fault.En : refusal.Detail };

        var error = new ErrorInfo { Domain = Domain, Reason = Name(refusal.Reason) };
        foreach (var (key, value) in metadata.OrderBy(m => m.Key, StringComparer.Ordinal))
            error.Metadata.Add(key, value);
        status.Details.Add(Any.Pack(error));

        if (RetryAfter(refusal) is { } delay)
            status.Details.Add(Any.Pack(new RetryInfo { RetryDelay = delay.ToDuration() }));
        if (!hidden && known.GetValueOrDefault(Refusal.FieldKey) is { } field)
            status.Details.Add(Any.Pack(new BadRequest { FieldViolations = { new BadRequest.Types.FieldViolation { Field = field, Description = refusal.Detail, Reason = error.Reason } } }));

        var english = (language ?? known.GetValueOrDefault(Refusal.LanguageKey)) == "en";
        status.Details.Add(Any.Pack(new LocalizedMessage { Locale = english ? "en" : "zh-CN", Message = english ? fault.En : fault.Zh }));
        return status;
    }

    /// <summary>The reason's name on the wire, e.g. <c>TURN_IN_PROGRESS</c>.</summary>
    public static string Name(Reason reason) => JsonNamingPolicy.SnakeCaseUpper.ConvertName(reason.ToString());

    public RpcException Translate(Exception exception, ServerCallContext call)
    {
        if (exception is RpcException already)
            return already;
        // The caller has left or run out of time; nobody reads this status.
        if (call.CancellationToken.IsCancellationRequested)
            return new(new(StatusCode.Cancelled, "the call has ended"));

        var refusal = Named(exception, call.Method);
        if (RetryAfter(refusal) is { } delay)
            // What gRPC's own retry policy obeys; RetryInfo is for applications.
            call.ResponseTrailers.Add("grpc-retry-pushback-ms", ((long)delay.TotalMilliseconds).ToString(CultureInfo.InvariantCulture));
        return Status(refusal, LanguageOf(call)).ToRpcException();
    }

    /// <summary>"zh" or "en", whichever the call's accept-language names first; null where it names neither.</summary>
    public static string? LanguageOf(ServerCallContext call) => LanguageOf(call.RequestHeaders.GetValue("accept-language"));

    /// <inheritdoc cref="LanguageOf(ServerCallContext)"/>
    public static string? LanguageOf(string? accepted) => accepted?
        .Split(',', StringSplitOptions.TrimEntries)
        .Select(tag => tag.StartsWith("zh", StringComparison.OrdinalIgnoreCase) ? "zh" : tag.StartsWith("en", StringComparison.OrdinalIgnoreCase) ? "en" : null)
        .FirstOrDefault(language => language is not null);

    private static TimeSpan? RetryAfter(Refusal refusal) =>
        refusal.RetryAfter ?? (Catalogue[refusal.Reason].Retry ? DefaultRetry : null);

    private Refusal Named(Exception exception, string method)
    {
        switch (exception)
        {
            case RefusedException refused:
                return refused.Refusal;
            case var _ when RecordFaults.Refusal(exception) is { } refusal:
                return refusal;
            // A silo died, left, or does not answer: the call may or may not have been applied, which is why it carries a request id.
            case OrleansException or EnumerationAbortedException or TimeoutException:
                LogNodeUnavailable(Wordless.Of(exception), method);
                return new(Reason.NodeUnavailable, "the node that holds the conversation does not answer: send the same request again, or resume its turn");
            default:
                var incident = Guid.NewGuid().ToString("N");
                LogInternal(Wordless.Of(exception), method, incident);
                return new Refusal(Reason.Internal, $"internal error: give the operators the incident {incident}").With("incident", incident);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} failed, incident {Incident}")]
    private partial void LogInternal(Exception exception, [NameData] string method, [NameData] string incident);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Method}: the conversation's node does not answer")]
    private partial void LogNodeUnavailable(Exception exception, [NameData] string method);
}
