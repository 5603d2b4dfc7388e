namespace R1Grains.Tuning.Corpora;

/// <summary>
/// What a customer asks without any document: <c>Asks</c> are alternatives whose
/// bracketed parts <c>[a/b/]</c> are chosen freely.
/// </summary>
internal sealed record Procedure(string Intent, string Reasoning, string[] Asks, string[] Answers)
{
    public string Ask(Dice dice, Split split)
    {
        // A short list of greetings may lie wholly on one side; then any of it will do.
        for (var attempt = 0; attempt < 40; attempt++)
        {
            var ask = Expand(dice, dice.Pick(Asks));
            if (Reserve.OfSentence(ask) == split) return ask;
        }

        return Expand(dice, Asks[0]);
    }

    private static string Expand(Dice dice, string pattern)
    {
        var open = pattern.IndexOf('[');
        if (open < 0) return pattern;
        var close = pattern.IndexOf(']', open);
        return Expand(dice, pattern[..open] + dice.Pick(pattern[(open + 1)..close].Split('/')) + pattern[(close + 1)..]);
    }
}

internal static class Procedures
{
    private static Procedure Of(string intent, string reasoning, string asks, params string[] answers) => new(intent, reasoning, asks.Split('|'), answers);

    public static readonly Procedure[] Zh =
    [
        Of("lost_card", "问：卡丢失。办：先挂失，再补卡。",
            "我的[银行卡/信用卡/卡/借记卡/储蓄卡][丢了/不见了/找不到了/弄丢了/被偷了][/，怎么办/，该怎么做/，急/，怎么挂失]？|[卡/银行卡/信用卡/钱包][落/忘/丢]在[出租车/火车/酒店/商场/公交车/飞机/餐厅/地铁][上/里]了[/，怎么办/，要挂失吗]？|[怎么/如何/哪里能/在哪][挂失/报失][/银行卡/信用卡/我的卡]？|[要/想/需要/帮我][挂失/报失][/一下][银行卡/信用卡/卡]。|出门[把卡/把银行卡/把钱包][弄丢/丢掉/丢]了，[怎么处理/该怎么办/你们能先冻结吗]？|[昨天/今天/刚才/上周]发现[卡/银行卡/信用卡]没了[，怎么办/，该打哪个电话/]？",
            "请马上挂失：在手机银行的“卡片管理”里点“挂失”，或拨打客服热线。挂失后卡片立即冻结。之后带身份证到任一网点补办新卡，也可以在手机银行申请邮寄。"),
        Of("reset_password", "问：密码重置。办：手机银行验证身份后重设。",
            "[密码/登录密码/取款密码/支付密码/手机银行密码/网银密码][忘了/忘记了/想不起来了/记不住了/不记得了/输错了好多次][/，怎么办/，怎么重设/，能帮我吗]？|[怎么/如何/哪里][修改/重置/找回/更换/重设][密码/登录密码/取款密码/支付密码]？|[想/要/需要][改/换/重设/重置][一个/一下/][密码/登录密码/取款密码/支付密码]。|[手机银行/网银/网上银行][登不上/进不去/登录不了]，[密码不对/说密码错误/密码忘了]。",
            "请在手机银行登录页点“忘记密码”，通过人脸识别和短信验证码核实身份后重新设置。取款密码须带身份证和银行卡到网点办理。请不要把密码告诉任何人。"),
        Of("complaint", "问：投诉。办：登记并说明处理步骤。",
            "[我要/我想/想/怎么/如何/在哪里][投诉/提意见/反映问题/投诉你们/投诉网点]？|[你们的/柜台的/网点的/那个][服务/态度/效率]太[差/慢/糟糕/让人生气]了[，我要投诉/，找谁反映/，我很不满意/]。|[等了/排队排了][很久/半天/一上午]没人[理/管/处理][，我要投诉/，太不像话了/，我不满意]。|对[处理结果/你们的服务/柜员/客户经理][不满意/很不满/有意见][/，怎么投诉/，向谁反映]。",
            "很抱歉给您带来不便。请告诉我事情的经过，我会登记投诉并给您编号，专人会尽快与您联系。您也可以在手机银行的“意见反馈”里提交。"),
        Of("raise_limit", "问：调整限额。办：手机银行里修改。",
            "[怎么/如何/在哪里/能不能/可以][提高/调高/调整/修改/增加][转账限额/转账额度/支付限额/我的限额]？|[转账/汇款/付款][限额/额度]不够[，怎么办/，能调高吗/，怎么改]？|[系统/手机银行][说/提示][我/]超过[限额/转账限额/额度]了[，怎么办/]。|[想/要][多转一点/转一大笔]，[限额不让/可是超限了/额度不够]。",
            "请在手机银行的“安全中心”点“限额设置”，验证身份后修改。超过线上上限的金额，请带身份证到网点办理。"),
        Of("branch_hours", "问：网点时间。办：手机银行里查询。",
            "[网点/银行/你们/支行/柜台][几点/什么时候/何时][开门/关门/上班/下班/营业]？|[周末/周六/周日/节假日/今天/晚上][网点/银行/你们/柜台][开门吗/营业吗/上班吗/办业务吗]？|[查/问][一下/]网点[营业时间/开门时间/地址]。|[离我最近/附近]的网点[在哪/在哪里/怎么走]？",
            "各网点时间不同。请在手机银行的“网点查询”里输入城市，可以看到地址、营业时间和排队人数，也可以在线取号。"),
        Of("open_account", "问：开户。办：带证件到网点或线上开。",
            "[怎么/如何/在哪里/想/我要][开户/开个账户/办张卡/办一张银行卡/开一个储蓄账户/新开卡]？|[开户/开卡/办卡]要[带什么/什么材料/哪些证件/准备什么]？|[第一次/头一次][来/在你们这里][开户/办卡][，要怎么做/，需要什么]？|[能/可以][在网上/在手机上/线上][开户/办卡/开账户]吗？",
            "请带本人身份证到任一网点办理，也可以在手机银行点“在线开户”，按提示拍摄证件并完成人脸识别。开户后请设置密码并绑定手机号。"),
        Of("close_account", "问：销户。办：结清后到网点。",
            "[怎么/如何/想/我要/在哪里][销户/注销账户/注销银行卡/把卡注销/关闭账户/取消信用卡]？|[不想用/用不着/不用]这张卡了[，怎么注销/，能销掉吗/，要去哪里办]？|[注销/销户]要[带什么/什么手续/去网点吗]？",
            "请先还清欠款、取出余额并解除自动扣款，再带身份证和银行卡到网点办理销户。信用卡可以在客服热线申请注销。"),
        Of("activate_card", "问：激活卡。办：手机银行里激活。",
            "[怎么/如何/在哪里][激活/开通/启用][新卡/信用卡/银行卡/刚收到的卡]？|[新卡/信用卡/卡][收到了/寄到了/拿到了]，[怎么激活/怎么开通/要怎么用/下一步呢]？|[卡/信用卡/新卡][刷不了/用不了]，[是不是没激活/是没开通吗]？",
            "请在手机银行的“卡片管理”里选“激活”，输入卡号后几位和短信验证码，再设置交易密码即可使用。"),
        Of("swallowed_card", "问：吞卡。办：联系网点领取。",
            "[取款机/机器/自动取款机][把卡吞了/吞了我的卡/吃卡了/不退卡][/，怎么办/，怎么拿回来]？|[卡/我的卡/银行卡]被[取款机/机器/自动取款机][吞了/吃了/收走了][/，怎么取回/，怎么办]？|吞卡[怎么办/怎么处理/去哪里领]？",
            "请记下取款机的编号并拨打机身上的电话。带身份证到管理这台机器的网点即可领回卡片；如果在外地，可以先挂失再补卡。"),
        Of("fraud", "问：可疑交易。办：先冻结，再核查。",
            "[账户/卡/信用卡][有一笔/多了一笔/出现][不认识的/不明/可疑/不是我的][消费/交易/扣款/转账][/，怎么办]。|[钱/卡里的钱/余额][少了/被转走了/被盗刷了/不对][/，怎么回事/，怎么办]？|[我/我妈/我爸/家人][被骗了/被骗转账了/遇到诈骗了/上当了][/，怎么办/，钱能追回吗]？|[接到/收到][自称银行的/可疑的/奇怪的][电话/短信/链接][，是真的吗/，怎么办]？|[这笔/那笔]交易不是我[做/刷/转]的。",
            "请立即在手机银行冻结卡片，或拨打客服热线。不要再转账，也不要告诉别人验证码。我们会核查交易，请保留短信和记录，必要时马上报警。"),
        Of("change_phone", "问：换手机号。办：手机银行或网点修改。",
            "[换了/换/要换/改了][手机号/手机号码/电话号码]，[怎么更新/怎么改/银行这边怎么办/怎么修改]？|[怎么/如何/在哪里][修改/更换/更新/变更][预留手机号/手机号/手机号码/联系电话]？|[收不到/没收到/老是收不到]验证码[，号码换了/，手机号变了/]。",
            "请在手机银行的“个人信息”里点“修改手机号”，用人脸识别核实后输入新号码。如果旧号码已经停用，请带身份证和银行卡到网点修改。"),
        Of("statement", "问：流水。办：手机银行导出。",
            "[怎么/如何/在哪里][打印/下载/导出/查询][流水/账单/银行流水/交易明细/对账单]？|[需要/想要/要][一份/][银行流水/交易明细/账单/对账单]，[怎么弄/去哪里打/能发邮箱吗]？|[签证/贷款/租房]要[银行流水/流水证明]，[怎么开/怎么办]？",
            "请在手机银行的“交易明细”里点“导出”，选择时间并填写邮箱，盖章的电子流水会发给您。也可以带身份证在网点的自助机上打印。"),
        Of("early_repayment", "问：提前还款。办：先预约，再扣款。",
            "[怎么/如何/在哪里/能不能][提前还款/提前还贷/提前结清贷款/提前还房贷]？|[想/打算/准备]把[贷款/房贷/车贷/欠款][提前还了/一次还清/提前结清][/，怎么办理/，要预约吗]。|[有一笔闲钱/手里有钱了]，[能先还一部分贷款吗/想提前还贷]。",
            "请在手机银行的“我的贷款”里点“提前还款”，选择全部或部分并预约日期，当天把资金存入还款账户即可。是否收取费用以合同为准。"),
        Of("apply_loan", "问：申请贷款。办：备材料，再申请。",
            "[怎么/如何/在哪里/想/我要][申请贷款/办贷款/借钱/贷一笔款/申请一笔贷款]？|[贷款/申请贷款/办贷款]要[什么材料/什么条件/哪些手续/准备什么]？|[买房/买车/装修/开店/上学][想/要]贷款，[怎么申请/怎么办/找谁]？",
            "请准备身份证、收入证明和银行流水，在手机银行的“贷款”里填写申请，或到网点找客户经理。审核会看您的收入和信用记录，结果以短信通知为准。"),
        Of("loan_guide", "问：房贷全流程。办：逐步说明。",
            "[房贷/买房贷款/申请房贷/住房贷款]的[完整流程/全部步骤/整个过程/详细步骤][是什么/是怎样的/有哪些]？|[请/麻烦/能不能][从头到尾/一步一步/详细][讲一讲/说明/介绍][房贷/买房贷款/住房贷款]怎么办。|[第一次/头一次]买房，[请把贷款的步骤都讲一遍/贷款的每一步要做什么/想知道贷款的全部步骤]。|[列出/告诉我/给我讲讲][房贷/买房贷款/住房贷款]的[每一步/全部步骤/完整流程]。",
            "办理房贷一般分为以下几步。第一步，准备材料：身份证、户口本、收入证明、银行流水、购房合同和首付款收据。第二步，提出申请：在手机银行的“贷款”里填写资料，或到网点找客户经理，由他帮您计算月供。第三步，审核：我们查看您的信用记录、收入和房屋情况，必要时会打电话核实，请保持手机畅通。第四步，签合同：审核通过后，所有借款人带身份证到网点签字，请仔细阅读利率、期限和提前还款的约定。第五步，抵押登记：我们与您一起到登记部门办理，费用以当地规定为准。第六步，放款：资金直接转给卖方，您会收到短信通知。第七步，还款：每月在还款日前把钱存入还款账户，也可以开通自动扣款。还清以后，请记得带合同到网点办理解除抵押。"),
        Of("instalment", "问：账单分期。办：账单页里申请。",
            "[怎么/如何/在哪里/能不能][办分期/账单分期/分期还款/把账单分期]？|[这个月/本期/这期]账单[太多/还不上/有点高]，[能分期吗/可以分期吗/怎么分期]？|[想/要]把[这笔消费/账单/这笔钱][分期/分几期还]。",
            "请在手机银行的“信用卡”里打开账单，点“分期还款”，选择期数并确认。提交前会显示每期应还金额和费用。"),
        Of("exchange", "问：换外币。办：先预约，再领取。",
            "[怎么/如何/在哪里/想/要][换外币/换美元/买外汇/换点欧元/换日元/兑换外币]？|[出国/留学/旅行]要[换钱/用外币/换外币]，[怎么办/怎么预约/去哪里换]？",
            "请在手机银行的“外汇”里选择币种并预约取钞网点，到期带身份证领取。每人每年有便利化额度，超过部分需要证明材料。"),
        Of("appointment", "问：预约网点。办：在线取号。",
            "[怎么/如何/能不能/可以][预约/提前取号/网上取号/预约网点/预约柜台]？|[不想/不愿意]排队，[能预约吗/怎么提前取号/可以先取号吗]？|[帮我/我想/我要]预约[网点/柜台/客户经理][/办业务]。",
            "请在手机银行的“网点查询”里选择网点和时间，点“预约取号”。到店后用手机号或身份证签到即可优先办理。"),
        Of("certificate", "问：存款证明。办：手机银行或网点开。",
            "[怎么/如何/在哪里][开/开具/办理/申请][存款证明/资产证明/资信证明/余额证明]？|[签证/留学/出国]需要[存款证明/资产证明/余额证明][，怎么开/，要带什么/]。|[存款证明/资产证明][能在手机上开吗/要去网点吗/怎么弄]？",
            "请在手机银行的“证明开具”里选择存款证明，填写用途和份数，电子版当天可以下载；纸质版带身份证到网点领取。开具期间资金会被冻结。"),
        Of("id_expired", "问：证件过期。办：上传新证件。",
            "[身份证/证件][过期了/到期了/换新的了/更新了]，[怎么更新/银行要更新吗/卡还能用吗/怎么办]？|[怎么/如何/在哪里][更新/上传][身份证/证件/身份信息]？|[提示/说]我[身份证/证件][过期/失效]，[怎么办/怎么处理]。",
            "请在手机银行的“个人信息”里点“更新证件”，拍摄新身份证的正反面，审核通过后即可恢复使用。也可以带新证件到网点办理。"),
        Of("sms_notice", "问：短信提醒。办：手机银行里设置。",
            "[怎么/如何/在哪里][开通/关闭/取消/设置][短信提醒/短信通知/动账提醒/余额提醒]？|[不想/不要]再收[短信/通知短信/动账短信]了。|[为什么/怎么][没有/收不到][短信提醒/动账通知]？",
            "请在手机银行的“消息设置”里打开或关闭提醒，并选择通知方式。微信和手机银行的消息提醒不收费用。"),
        Of("human", "转人工。",
            "[转/转接/我要/要/找/请转/能不能转/帮我转][人工/人工客服/真人/人工服务]。|[我要/想/想要][跟真人说话/找个真人/和人工聊/找客服人员]。|[别让机器人回答/不要机器人/你听不懂]，[换个人/转人工/叫人来]。|[有/有没有][人工客服/真人]吗？",
            "好的，正在为您转接人工客服，请稍候。您刚才说的内容会一并转给同事，不用重复。"),
        Of("greeting", "问候。",
            "你好|您好|嗨|[早上/下午/晚上/中午]好|你好[呀/啊/！/，在吗？/，有人吗？]|在吗？|在不在？|哈喽|[喂/嘿]，[你好/在吗/有人吗]？|[你/您]好，[我想咨询一下/有事想问/请问有人吗]。",
            "您好，我是禾渡银行的助手。请问有什么可以帮您？"),
        Of("thanks", "致谢。",
            "谢谢[/你/您/啦/你了/您的帮助]|[好的/知道了/明白了/懂了/清楚了]，谢谢[/你/您]。|[非常/太/十分]感谢[/你/您]。|[辛苦了/麻烦你了/多谢]|[你/您]帮了我大忙[/，谢谢]。",
            "不客气。如果还有问题，请随时告诉我。"),
        Of("goodbye", "道别。",
            "再见|拜拜|[好的/那就这样/没别的了/没事了]，再见。|[先这样/就这样]吧。|[没有/没]其他问题了[/，再见]。",
            "再见，祝您生活愉快。"),
        Of("identity", "问：我是谁。",
            "你是[谁/什么/机器人吗/真人吗/人工吗]？|[你/您]叫什么[/名字]？|你[能/可以]做[什么/些什么]？|[我在跟/这是]机器人[说话吗/吗]？",
            "我是禾渡银行的智能助手，可以根据资料回答产品问题，说明常见业务怎么办理，也可以为您转接人工客服。"),
        Of("off_topic", "与银行业务无关。",
            "[今天/明天/后天/周末][北京/上海/这里/外面/广州][天气怎么样/会下雨吗/冷不冷/热不热]？|[给我/帮我][讲个笑话/写首诗/写篇作文/唱首歌/讲个故事]。|[你/您][喜欢/爱看/支持][足球/篮球/什么电影/哪个球队/谁]？|[怎么/如何][做红烧肉/学英语/减肥/养猫/种花/修电脑]？|[推荐/介绍][一部电影/一本书/一家餐厅/一个景点]。|[昨晚/昨天][的球赛谁赢了/谁赢了比赛]？|[帮我/给我]写[一段代码/一个程序/作业]。|[世界上/地球上]最[高的山/长的河/大的海]是哪个？",
            "抱歉，这个问题与银行业务无关，我帮不上忙。您可以问我产品或业务办理方面的问题。"),
    ];

    public static readonly Procedure[] En =
    [
        Of("lost_card", "Asked: lost card. Do: block it, then replace it.",
            "[I lost/I have lost/I can't find/Somebody stole/I misplaced] my [card/credit card/debit card/bank card/wallet][/, what now/, what should I do/, please help].|My [card/credit card/debit card/wallet] is [gone/missing/lost/nowhere to be found][/, what do I do].|I left my [card/bank card/wallet] [in a taxi/on the train/at a hotel/in a shop/on the bus/on the plane/in a restaurant][/, can you block it].|[How do I/How can I/Where do I/I need to] [report a lost card/block my card/freeze my card/report my card as stolen]?|My [bag/wallet] was stolen [yesterday/today/this morning/last night] and my card was in it.",
            "Please block the card right away: open Cards in the app and tap Report lost, or call our hotline. The card is frozen at once. Then bring your identity card to any branch for a new one, or order it by post in the app."),
        Of("reset_password", "Asked: password reset. Do: verify in the app, then set a new one.",
            "[I forgot/I have forgotten/I can't remember/I lost/I don't remember] [my/the] [password/login password/PIN/app password/passcode][/, what now/, can you help].|[How do I/How can I/Where do I/I want to/I need to] [reset/change/recover/set] my [password/PIN/login password/passcode]?|[My password is wrong/I typed the wrong password too often/I can't log in/The app does not accept my password][/, what should I do].",
            "Please tap Forgot password on the login page of the app and confirm who you are with your face and the code we text you. Then set a new one. For the PIN of a card, bring the card and your identity card to a branch. Never tell anyone your password."),
        Of("complaint", "Asked: complaint. Do: record it and say what follows.",
            "[I want to/I would like to/I need to/How do I/Where can I] [complain/make a complaint/file a complaint/give feedback/report bad service]?|[The/Your] [service/staff/branch/queue] [was/is] [terrible/rude/very bad/far too slow/awful][/, I want to complain/ and I am not happy].|I [waited for ages/waited all morning/was ignored at the counter][/, who can I talk to/, I am very unhappy].|I am not [happy/satisfied] with [your answer/the service/the result/my adviser].",
            "I am sorry for the trouble. Please tell me what happened: I will record a complaint with a number, and a colleague will contact you soon. You can also send it under Feedback in the app."),
        Of("raise_limit", "Asked: change a limit. Do: in the app.",
            "[How do I/How can I/Can I/Where do I/I want to] [raise/increase/change/adjust] [my transfer limit/my payment limit/the limit on transfers/my daily limit]?|[My transfer/My payment/The transfer] [was refused/did not go through] because of the limit.|[The app says/It says] I am over [the/my] [limit/transfer limit/daily limit].|My limit is too low for [a big transfer/this payment/what I need to send].",
            "Please open Security in the app, tap Limits and confirm who you are; then you can change it. For amounts above the online maximum, bring your identity card to a branch."),
        Of("branch_hours", "Asked: branch hours. Do: look them up in the app.",
            "[When/What time] [do you/does the bank/does the branch/does the counter] [open/close]?|Are you open [on Saturday/on Sunday/at the weekend/on holidays/today/this evening]?|[Where is/How do I find] [the nearest branch/a branch near me/your closest branch]?|[Tell me/I need] the [opening hours/address] of [the branch/my branch/your office].",
            "Each branch has its own hours. Open Branches in the app and enter your city: you will see addresses, opening hours and the queue, and you can take a number online."),
        Of("open_account", "Asked: open an account. Do: branch or app with identity card.",
            "[How do I/How can I/Where can I/I want to/I would like to] [open an account/get a card/become a customer/open a savings account/get a bank card]?|What [do I need/papers do I need/should I bring] to [open an account/get a card]?|Can I [open an account/get a card] [online/in the app/on my phone]?",
            "Bring your identity card to any branch, or tap Open account in the app, photograph the card and let us check your face. After that, set a password and add your phone number."),
        Of("close_account", "Asked: close an account. Do: settle first, then branch.",
            "[How do I/How can I/Where can I/I want to/I would like to] [close my account/cancel my card/cancel my credit card/shut my account]?|I [don't need/don't use/no longer want] this [card/account][ any more, how do I cancel it/ any more/, please close it].|What do I need to [close/cancel] [my account/my card]?",
            "Please pay what is owed, take out the balance and stop automatic payments first. Then bring your identity card and the card to a branch. A credit card can also be cancelled on our hotline."),
        Of("activate_card", "Asked: activate a card. Do: in the app.",
            "[How do I/How can I/Where do I/I want to/I need to] [activate/enable/switch on/start using] [my new card/my card/the card I got/my credit card]?|My [new card/credit card/card] [arrived/came by post/is here][/, what next/, how do I activate it].|My new card [does not work/is refused][/, is it not active].",
            "Open Cards in the app, choose Activate, enter the last digits of the card and the code we text you, and set a PIN. Then it is ready."),
        Of("swallowed_card", "Asked: card kept by a machine. Do: collect it at the branch.",
            "The [ATM/cash machine/machine] [kept/swallowed/took/ate] my card[/, what now/, how do I get it back].|My card is [stuck/still] in the [ATM/cash machine/machine][/, what should I do].|[How do I/Where can I] get my card back from [the ATM/the cash machine/a machine]?",
            "Please note the number on the machine and call the phone number printed on it. Bring your identity card to the branch that runs the machine to collect the card. If you are travelling, block it and order a new one."),
        Of("fraud", "Asked: suspicious payment. Do: block first, then check.",
            "There is a [payment/transaction/transfer/charge] [I did not make/I don't know/that is not mine] [on my account/on my card/on my statement].|[My money is gone/Money is missing from my account/Somebody used my card/My card was misused][/, what do I do].|[I was/My mother was/My father was/I think I was] [tricked/cheated/scammed][/, can I get the money back].|I got a [strange/suspicious/odd] [call/message/text/link] [from the bank/about my account/asking for a code][/, is it real].",
            "Please block the card in the app at once or call our hotline. Do not transfer any more money and do not share any code. We will check the payment; keep messages and records, and go to the police if needed."),
        Of("change_phone", "Asked: new phone number. Do: app or branch.",
            "I [have/got/changed to] a new [phone number/mobile number/number][/, how do I update it/, what do I need to do].|[How do I/How can I/Where do I/I want to] [change/update] [my phone number/my mobile number/the number on my account]?|I [don't get/never receive/can't receive] the [codes/text messages/verification codes][/, my number changed].",
            "Open My details in the app, tap Change phone number, confirm with your face and enter the new number. If the old number no longer works, bring your identity card and your card to a branch."),
        Of("statement", "Asked: statement. Do: export in the app.",
            "[How do I/How can I/Where do I/I want to/I need to] [download/print/export/get] [a statement/my bank statement/my transactions/my account history]?|I need [a bank statement/my transactions/a stamped statement] for [a visa/a loan/my landlord/my employer].|Can you [send/email] me [my statement/a bank statement/my transactions]?",
            "Open Transactions in the app, tap Export, choose the dates and enter your email: we send you a stamped file. You can also print it on the machine at a branch with your identity card."),
        Of("early_repayment", "Asked: repay a loan early. Do: book a date, then pay in.",
            "[How do I/How can I/Can I/I want to/I would like to] [repay my loan early/pay off my loan early/pay back my mortgage early/settle my loan ahead of time]?|I have [some spare money/a bonus/savings] and want to [pay off/repay] [part of my loan/my loan/my mortgage].|Can I pay off [part of/all of] my [loan/mortgage/car loan] [now/early/ahead of time]?",
            "Open My loans in the app, tap Repay early, choose all or part of it and a date, and put the money into the repayment account on that day. Whether a fee is due is in your contract."),
        Of("apply_loan", "Asked: apply for a loan. Do: papers first, then apply.",
            "[How do I/How can I/Where can I/I want to/I would like to] [apply for a loan/get a loan/borrow money/take out a loan]?|What [do I need/papers do I need/are the conditions] to [get a loan/apply for a loan/borrow money]?|I want to [buy a house/buy a car/renovate/open a shop/study] and need a loan.",
            "Have your identity card, proof of income and bank statements ready, and apply under Loans in the app or with an adviser at a branch. We look at income and credit record, and text you the result."),
        Of("loan_guide", "Asked: home loan from start to end. Do: go through the steps.",
            "[What are/List/Tell me/Explain] [all the steps/the full process/every step] of [a home loan/a mortgage/buying a house with a loan][/, please].|[Please/Can you/Could you] [explain/go through/describe] [a home loan/a mortgage] [step by step/from start to end/in full detail].|I am buying my first [house/home/flat], [explain the loan step by step/tell me every step of the loan].|How does a [home loan/mortgage] work [from start to end/step by step]?",
            "A home loan goes through these steps. First, get the papers together: identity card, proof of income, bank statements, the contract for the house and the receipt for the down payment. Second, apply: fill in the form under Loans in the app, or see an adviser at a branch, who works out the monthly payment with you. Third, the review: we look at your credit record, your income and the house, and may call you, so please keep your phone on. Fourth, the contract: once the loan is approved, all borrowers sign at a branch; please read what it says about the rate, the term and early repayment. Fifth, the mortgage is registered: we go to the registry with you, and local rules decide what that costs. Sixth, the money is paid straight to the seller, and you get a message. Seventh, you repay: put the money into the repayment account before the due date each month, or set up a direct debit. When all is paid back, bring the contract to a branch so that the mortgage can be released."),
        Of("instalment", "Asked: pay in instalments. Do: on the bill in the app.",
            "[How do I/How can I/Can I/I want to/I would like to] [pay my bill in instalments/split my bill/pay in parts/set up instalments]?|My [bill/credit card bill/statement] is too [high/big/much] [this month/this time][/, can I split it/, can I pay in parts].|Please [split/divide] [this purchase/my bill] into instalments.",
            "Open your bill under Credit card in the app, tap Pay in instalments, choose how many and confirm. You see each payment and the fee before you confirm."),
        Of("exchange", "Asked: foreign cash. Do: book, then collect.",
            "[How do I/How can I/Where can I/I want to/I need to] [buy dollars/exchange money/get foreign cash/buy euros/order yen/change currency]?|I am [travelling/going abroad/studying abroad] and need [foreign cash/dollars/euros][/, what do I do].",
            "Open Foreign exchange in the app, choose the currency and the branch, and collect the cash there with your identity card. There is a yearly allowance per person; above it we need documents."),
        Of("appointment", "Asked: appointment. Do: book in the app.",
            "[How do I/How can I/Can I/I want to/I would like to] [book an appointment/make an appointment/reserve a time/take a number online]?|I don't want to [queue/wait in line/stand in line][/, can I book a time].|Please book [me a time/an appointment/a meeting] [at the branch/with an adviser/at the counter].",
            "Open Branches in the app, choose the branch and a time, and tap Book. When you arrive, check in with your phone number or identity card and you go first."),
        Of("certificate", "Asked: proof of deposit. Do: app or branch.",
            "[How do I/How can I/Where can I/I need to/I want to] [get proof of deposit/get a certificate of balance/prove my savings/get a proof of funds]?|I need [proof of deposit/a certificate of balance/a proof of funds] for [a visa/my studies/going abroad].",
            "Open Certificates in the app, choose Proof of deposit, and enter the purpose and how many copies. The electronic one is ready the same day; collect paper at a branch. The money is blocked for that time."),
        Of("id_expired", "Asked: identity card expired. Do: upload the new one.",
            "My [identity card/ID/passport] [has expired/expired/is new/was renewed][/, what do I do/, does my card still work].|[How do I/How can I/Where do I] [update/upload] my [identity card/ID/passport]?|The app says my [identity card/ID/passport] [has expired/is no longer valid].",
            "Open My details in the app, tap Update identity card and photograph both sides of the new one. After a check everything works again. You can also bring it to a branch."),
        Of("sms_notice", "Asked: messages. Do: settings in the app.",
            "[How do I/How can I/Where do I/I want to] [turn on/turn off/stop/set up] [text messages/alerts/notifications/balance alerts]?|I [don't want/no longer want] [text messages/alerts/so many messages].|Why do I get no [alerts/text messages/notifications]?",
            "Open Messages in the app, switch alerts on or off and choose how you get them. Alerts in the app cost nothing."),
        Of("human", "Hand over to a colleague.",
            "[Let me/I want to/I would like to/Can I/Please let me] [talk to a human/speak to a person/talk to an agent/speak with someone/talk to a real person].|[Human/Agent/A real person/Operator], please.|[You don't understand me/No robots/Stop this], [get me a person/transfer me/I want a human].|Is there a [human/real person/colleague] I can talk to?",
            "Of course. I am connecting you with a colleague, please wait a moment. They will see what you have told me, so you need not repeat it."),
        Of("greeting", "A greeting.",
            "Hello|Hi|Hey|Good [morning/afternoon/evening]|Hello[/ there/!/, anyone there?]|Hi[/ there/!/, are you there?]|[Hello/Hi/Hey], [I have a question/can you help me/is anyone there]?",
            "Hello, I am the assistant of Hedu Bank. How can I help you?"),
        Of("thanks", "Thanks.",
            "Thanks|Thank you[/ very much/ so much/ for your help]|[Okay/Great/Good/Perfect/I see], [thanks/thank you].|That [helped/is all I need], [thanks/thank you].|[You are/That was] very helpful.",
            "You are welcome. If you have another question, just ask."),
        Of("goodbye", "A goodbye.",
            "[Bye/Goodbye/See you/Bye bye]|[That is all/That's it/Nothing else], [bye/goodbye].|No [more/other] questions[/, goodbye].",
            "Goodbye, and have a nice day."),
        Of("identity", "Asked: who I am.",
            "[Who/What] are you?|Are you [a robot/a human/a real person/a machine]?|What can you [do/help me with]?|[What is/Tell me] your name[/, please].|Am I talking to a [robot/machine/human]?",
            "I am the assistant of Hedu Bank. I answer questions about products from the documents, explain how common things are done, and can connect you with a colleague."),
        Of("off_topic", "Not about banking.",
            "[What is/How is] the weather [today/tomorrow/in Paris/in London/outside]?|[Tell me/Write me/Give me] a [joke/poem/story/song/recipe].|[Who won/Did you watch] the [football/game/match/race] [yesterday/last night]?|[How do I/Teach me to] [cook rice/learn French/lose weight/grow tomatoes/fix my computer]?|[Recommend/Suggest] a [film/book/restaurant/holiday].|What is the [highest mountain/longest river/biggest city] in the world?|Write [some code/a program/my homework] for me.|Do you like [football/music/cats/chess]?",
            "Sorry, that is not about banking, so I can't help with it. You can ask me about our products and how things are done."),
    ];

    // What a customer mentions early and asks for later: topic, statement, question, reasoning, answer.
    public static readonly (string Topic, string[] Tells, string[] Asks, string Reasoning, string[] Answers)[] ZhMemories =
    [
        ("card_tail", ["我的卡尾号是{0}。", "卡号后四位{0}。", "我用的是尾号{0}的卡。", "卡的后四位是{0}，请记一下。"],
            ["我的卡尾号是多少？", "我刚才说的卡号后四位是什么？", "还记得我的卡尾号吗？", "我说的是哪张卡？"], "问：卡尾号。前文：{0}。", ["您之前说过，卡尾号是{0}。"]),
        ("city", ["我在{0}。", "我人在{0}，想办业务。", "我住在{0}。", "我最近搬到{0}了。"],
            ["我在哪个城市？", "我刚才说我在哪里？", "还记得我住哪儿吗？", "我说的是哪个地方？"], "问：城市。前文：{0}。", ["您之前说过，您在{0}。"]),
        ("amount", ["我想存{0}元。", "我准备转{0}元。", "我手上有{0}元。", "大概要用{0}元。"],
            ["我刚才说的金额是多少？", "我说要多少钱来着？", "还记得我说的数目吗？", "金额是多少？我忘了。"], "问：金额。前文：{0}元。", ["您之前说的金额是{0}元。"]),
        ("phone", ["我的手机号是{0}。", "请打{0}联系我。", "我的电话{0}。", "回电请打{0}。"],
            ["我留的电话是多少？", "我刚才说的手机号是什么？", "你们会打哪个号码？", "我的号码记下了吗？是多少？"], "问：电话。前文：{0}。", ["您留的电话是{0}。"]),
    ];

    public static readonly (string Topic, string[] Tells, string[] Asks, string Reasoning, string[] Answers)[] EnMemories =
    [
        ("card_tail", ["My card ends in {0}.", "The last four digits of my card are {0}.", "I use the card ending in {0}.", "Please note my card number ends with {0}."],
            ["What are the last digits of my card?", "Which card did I mention?", "Do you remember how my card number ends?", "What did I say my card ends in?"], "Asked: card ending. Earlier: {0}.", ["You told me that your card ends in {0}."]),
        ("city", ["I live in {0}.", "I am in {0} at the moment.", "I just moved to {0}.", "I am writing from {0}."],
            ["Which city am I in?", "Where did I say I live?", "Do you remember my city?", "What city did I mention?"], "Asked: city. Earlier: {0}.", ["You told me that you are in {0}."]),
        ("amount", ["I want to deposit {0} yuan.", "I plan to transfer {0} yuan.", "I have {0} yuan to invest.", "I need about {0} yuan."],
            ["How much did I say?", "What amount did I mention?", "Do you remember the amount?", "What was the sum I told you?"], "Asked: amount. Earlier: {0} yuan.", ["The amount you mentioned is {0} yuan."]),
        ("phone", ["My phone number is {0}.", "Please call me on {0}.", "You can reach me at {0}.", "Call back on {0}."],
            ["What phone number did I give?", "Which number will you call?", "Do you remember my number?", "What is the number I left?"], "Asked: phone number. Earlier: {0}.", ["The number you gave is {0}."]),
    ];

    public static readonly string[] ZhCities =
        "北京,上海,广州,深圳,杭州,南京,苏州,成都,重庆,武汉,西安,天津,长沙,郑州,青岛,大连,厦门,福州,济南,合肥,昆明,贵阳,南宁,海口,沈阳,长春,石家庄,太原,兰州,银川,宁波,无锡,温州,珠海,洛阳,扬州,桂林,丽江,绍兴,泉州".Split(',');

    public static readonly string[] EnCities =
        "Beijing,Shanghai,Guangzhou,Shenzhen,Hangzhou,Nanjing,Suzhou,Chengdu,London,Paris,Berlin,Madrid,Rome,Vienna,Oslo,Dublin,Boston,Chicago,Seattle,Denver,Austin,Toronto,Sydney,Melbourne,Auckland,Tokyo,Osaka,Seoul,Singapore,Bangkok,Lisbon,Prague,Geneva,Zurich,Helsinki".Split(',');
}
