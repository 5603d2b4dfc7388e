namespace R1Grains.Tuning.Corpora;

internal enum Measure
{
    Money,
    Percent,
    Days,
    Term,
    Times,
    Instalments,
    Age,
    Monthly,
    Date,
    Phone,
    Hours,

    /// <summary>No figure: asked for, never told.</summary>
    Words,
}

/// <summary>Something a bank's documents say about a product. The first wording is the canonical one, used in reasoning and answers.</summary>
internal sealed record Attribute(string Id, Measure Measure, string[] Wordings)
{
    public string Canonical => Wordings[0];
}

internal static class Attributes
{
    // id | measure | zh wordings | en wordings
    private const string Table = """
        annual_fee|Money|年费,年度费用,每年的费用,年服务费,一年的费用,全年费用|annual fee,yearly fee,yearly charge,annual charge,annual cost,fee per year
        late_fee|Money|滞纳金,逾期费,逾期违约金,晚还费用,逾期罚款,逾期费用|late fee,late payment fee,overdue charge,late charge,penalty for late payment,overdue fee
        replacement_fee|Money|补卡费,补办费,换卡工本费,补办费用,工本费,重新制卡费|replacement fee,card replacement charge,reissue fee,reissuing charge,fee for a new card,replacement cost
        loss_fee|Money|挂失费,挂失手续费,挂失服务费,挂失费用,挂失收费,报失费用|loss report fee,loss reporting charge,lost card fee,fee for reporting a loss,loss notice fee,lost card charge
        transfer_fee|Money|转账手续费,汇款手续费,跨行转账费,转账费用,汇款费,转账收费|transfer fee,transfer charge,remittance fee,wire fee,cost of a transfer,remittance charge
        credit_limit|Money|信用额度,授信额度,额度上限,最高额度,可用额度,透支额度|credit limit,credit line,spending limit,maximum credit,credit ceiling,card limit
        min_deposit|Money|起存金额,最低存款额,起存门槛,最少存入金额,起存点,最低起存额|minimum deposit,opening deposit,lowest deposit,smallest deposit,deposit threshold,required first deposit
        min_purchase|Money|起购金额,认购起点,最低购买金额,申购门槛,最少买入金额,起投金额|minimum purchase,minimum investment,entry amount,lowest purchase amount,smallest investment,purchase threshold
        min_balance|Money|最低余额,余额下限,留存余额要求,最少余额,保底余额,账户最低余额|minimum balance,required balance,lowest balance,balance requirement,balance floor,smallest balance
        account_fee|Money|账户管理费,管理费,月管理费,户管费,账户维护费,账户服务费|account fee,maintenance fee,account maintenance charge,monthly account fee,management fee,account keeping fee
        sms_fee|Money|短信费,短信通知费,短信服务费,消息提醒费,动账提醒费,短信提醒费|text message fee,SMS fee,SMS charge,alert fee,notification fee,message charge
        withdrawal_limit|Money|单日取款限额,每日取款上限,一天最多取款额,日取款额度,当日取款上限,每天取现上限|daily withdrawal limit,daily cash limit,withdrawal limit per day,maximum daily withdrawal,cash limit per day,withdrawal cap per day
        transfer_limit|Money|单日转账限额,每日转账上限,一天最多转账额,日转账额度,当日转账上限,每天汇款上限|daily transfer limit,transfer limit per day,maximum daily transfer,daily transfer cap,transfer ceiling per day,daily remittance limit
        payment_limit|Money|单笔支付限额,单笔限额,每笔最高金额,一笔付款上限,单次支付上限,单笔付款额度|single payment limit,limit per payment,maximum per payment,payment cap,per payment ceiling,one-time payment limit
        max_loan|Money|最高贷款额,贷款额度,可贷金额,最多可借金额,贷款上限,最大贷款金额|maximum loan,loan limit,largest loan amount,borrowing limit,loan ceiling,maximum loan amount
        opening_fee|Money|开户费,开户手续费,开立费用,开户收费,新开户费用,开户工本费|opening fee,account opening charge,set-up fee,sign-up fee,joining fee,opening charge
        closing_fee|Money|销户费,销户手续费,注销费用,关闭账户费用,销户收费,注销手续费|closing fee,account closure charge,closure fee,cancellation fee,fee for closing,cancellation charge
        interest_rate|Percent|年利率,利率,年化利率,执行利率,每年的利息率,利息率|interest rate,annual rate,yearly interest,rate of interest,annual interest rate,yearly rate
        penalty_rate|Percent|罚息利率,逾期利率,逾期罚息,罚息率,违约利率,罚息标准|penalty rate,overdue interest rate,default rate,penalty interest,overdue rate,default interest
        cash_fee|Percent|取现手续费,取现费率,提现手续费,现金支取费率,预借现金手续费,提现费率|cash advance fee,cash withdrawal fee,cash advance rate,cash advance charge,fee for taking cash,cash fee
        prepay_fee|Percent|提前还款费率,提前还款手续费,提前结清费率,提前还清手续费,提前还贷费用,提前还款违约金|early repayment fee,prepayment fee,prepayment charge,early payoff fee,early settlement charge,prepayment penalty
        fx_fee|Percent|外币兑换费率,货币转换费,境外交易手续费,外币手续费率,境外刷卡费率,外币交易费|foreign exchange fee,currency conversion fee,foreign transaction fee,conversion charge,overseas spending fee,foreign currency charge
        cashback|Percent|返现比例,消费返现率,刷卡返现比例,回馈比例,返利比例,返现率|cashback rate,cash back,cashback percentage,rebate rate,money back rate,spending rebate
        down_payment|Percent|首付比例,最低首付,首付成数,首期付款比例,首付要求,首付款比例|down payment,minimum down payment,deposit share,initial payment,upfront payment share,first payment share
        min_repayment|Percent|最低还款比例,最低还款额比例,最少还款比例,最低还款率,最低应还比例,最低还款要求|minimum repayment,minimum payment rate,lowest repayment share,minimum repayment share,minimum payment,smallest repayment share
        instalment_fee|Percent|分期费率,分期手续费,分期付款费率,每期费率,账单分期费率,分期手续费率|instalment fee,instalment rate,instalment plan charge,instalment charge,fee per instalment,split payment fee
        expected_return|Percent|预期收益率,业绩比较基准,年化收益率,预计收益率,收益率,参考收益率|expected return,projected return,yield,expected yield,reference return,benchmark return
        redemption_fee|Percent|赎回费率,赎回手续费,卖出费率,退出费率,赎回费,赎回费用|redemption fee,redemption charge,exit fee,selling fee,fee for redeeming,exit charge
        early_rate|Percent|提前支取利率,提前取款利率,未到期支取利率,提前取出利率,提前支取利息率,中途支取利率|early withdrawal rate,rate for early withdrawal,early access rate,rate before maturity,break rate,early withdrawal interest
        grace_period|Days|宽限期,还款宽限期,容时期限,缓冲期,宽限天数,宽限时间|grace period,payment grace,grace days,grace window,grace time,days of grace
        interest_free|Days|免息期,最长免息期,免息天数,免息还款期,不计息期限,免息时间|interest-free period,interest-free days,interest-free window,interest-free time,no-interest period,period without interest
        approval_time|Days|审批时间,审核时间,办理时长,审批周期,审核时限,批复时间|approval time,review time,processing time,approval period,time to approval,decision time
        arrival_time|Days|到账时间,到账时限,入账时间,到账周期,款项到账时间,资金到账时间|arrival time,settlement time,crediting time,time until the money arrives,arrival period,funds availability
        delivery_time|Days|寄卡时间,邮寄时间,寄送时间,邮寄周期,收卡时间,寄送时限|delivery time,mailing time,postal time,shipping time,card delivery time,delivery period
        cooling_off|Days|犹豫期,冷静期,反悔期,可退期限,犹豫期限,无条件退保期|cooling-off period,withdrawal window,cancellation window,right-to-cancel period,free-look period,cooling-off time
        refund_time|Days|退款时间,退款周期,退款时限,退费时间,退款处理时间,款项退回时间|refund time,refund period,time for a refund,refund processing time,refund window,money return time
        notice_period|Days|通知期,提前通知期限,预约期,提前预约时间,提前通知天数,预约天数|notice period,advance notice,notice time,required notice,days of notice,warning period
        loan_term|Term|贷款期限,最长贷款期限,借款期限,还款年限,可借期限,贷款年限|loan term,loan length,repayment term,borrowing period,loan duration,loan period
        deposit_term|Term|存期,存款期限,存放期限,定存期限,存入期限,存款时长|deposit term,deposit period,deposit length,saving term,deposit duration,saving period
        lock_up|Term|封闭期,锁定期,不可赎回期,最短持有期,持有期限,封闭时间|lock-up period,lock-in period,holding period,minimum holding period,closed period,lock-in time
        validity|Term|有效期,卡片有效期,有效年限,使用期限,有效时长,有效时间|validity period,period of validity,card validity,valid period,life of the card,validity
        free_transfers|Times|免费转账次数,免费汇款次数,免手续费转账次数,每月免费转账次数,转账免费次数,可免费转账的次数|number of free transfers,free transfer allowance,free transfer count,free transfers per month,free monthly transfers,allowance of free transfers
        free_withdrawals|Times|免费取款次数,免手续费取款次数,每月免费取款次数,取款免费次数,可免费取款的次数,免费取现次数|number of free withdrawals,free withdrawal allowance,free withdrawal count,free withdrawals per month,free monthly withdrawals,allowance of free withdrawals
        lounge_visits|Times|贵宾厅次数,机场贵宾厅次数,候机服务次数,贵宾室次数,免费候机次数,贵宾厅权益次数|number of lounge visits,lounge allowance,airport lounge visits,lounge visit count,lounge visits per year,lounge entries
        max_instalments|Instalments|分期期数,最多分期期数,分期期数上限,可分期数,最高分期期数,最长分期数|number of instalments,instalment count,maximum instalments,largest number of instalments,instalment limit,most instalments
        min_age|Age|最低年龄,年龄下限,起办年龄,年龄要求,申请年龄,最小年龄|minimum age,lowest age,age requirement,required age,age limit,youngest age
        statement_day|Monthly|账单日,出账日,账单生成日,账单日期,每月出账日,出账日期|statement date,billing date,statement day,billing day,bill date,date of the statement
        due_day|Monthly|还款日,最后还款日,到期还款日,还款截止日,应还日期,还款日期|due date,payment due date,repayment date,payment deadline,repayment day,payment day
        debit_day|Monthly|扣款日,自动扣款日,划扣日期,扣款日期,代扣日,每月扣款日|debit date,direct debit date,debit day,collection date,automatic debit day,collection day
        offer_end|Date|活动截止日,优惠截止日,活动结束日期,优惠到期日,活动截止时间,优惠结束时间|offer end date,end of the offer,promotion end date,offer deadline,last day of the offer,promotion deadline
        maturity_date|Date|到期日,产品到期日,到期日期,终止日期,期满日,到期时间|maturity date,date of maturity,end date,final date,expiry date,maturity day
        start_date|Date|起息日,开始计息日,计息起始日,起息日期,利息起算日,起算日|value date,interest start date,start date,first interest day,start of interest,interest date
        hotline|Phone|服务热线,客服电话,咨询电话,专线电话,联系电话,热线号码|hotline,service number,phone number,service line,contact number,help line
        trading_hours|Hours|交易时间,交易时段,受理时间,可交易时间,办理时段,受理时段|trading hours,trading time,service hours,processing hours,business hours,hours of operation
        """;

    /// <summary>Attributes with one wording only: composed, so that asking and reading them needs no vocabulary but the words themselves.</summary>
    private const string ZhPlainStems =
        "保管,查询,打印,邮寄,认证,评估,公证,担保,监管,结算,兑换,调额,激活,冻结,解冻,复印,托管,咨询,过户,抵押登记,代发,代缴,签约,续期,变更,鉴定,承兑,贴现,询证,对账,理赔,投保,加急,预约,配送,存取,换币,开证,撤销,备案";

    private const string EnPlainStems =
        "custody,enquiry,printing,courier,certification,valuation,notary,guarantee,supervision,clearing,exchange,adjustment,activation,freezing,release,copying,trustee,advisory,title transfer,mortgage registration,payroll,bill payment,signing,renewal,amendment,inspection,acceptance,discounting,verification,reconciliation,claims,insurance,express,booking,dispatch,safe box,coin counting,letter of credit,revocation,filing";

    private const string ZhOddWords =
        "卡面颜色,积分规则,适用人群,发行机构,保险保障,办理流程,申请条件,担保方式,还款方式,计息方式,投资方向,风险等级,设计图案,专属礼品,合作商户,提款方式,续存规则,税务说明,配套服务,客户评价,"
        + "发行日期,停办原因,管理团队,托管银行,历史业绩,赠送活动,减免条件,审批部门,卡片材质,使用范围,境外服务,推荐奖励,生日优惠,加油优惠,餐饮折扣,停车权益,洗车次数,道路救援,体检服务,法律咨询";

    private const string EnOddWords =
        "card colour,points scheme,target group,issuing company,insurance cover,application process,eligibility,kind of security,repayment method,interest method,investment focus,risk level,card design,"
        + "welcome gift,partner shops,payout method,renewal rule,tax treatment,extra service,customer rating,launch date,reason for closing,management team,custodian,track record,gift campaign,waiver rule,"
        + "department in charge,card material,area of use,service abroad,referral bonus,birthday gift,fuel discount,dining discount,parking benefit,car wash benefit,roadside help,health check,legal advice";

    private static readonly (string Zh, string En, Measure Measure)[] PlainEndings =
    [
        ("费", "fee", Measure.Money), ("费用", "charge", Measure.Money), ("限额", "limit", Measure.Money), ("押金", "deposit", Measure.Money),
        ("费率", "rate", Measure.Percent), ("折扣", "discount", Measure.Percent),
        ("时限", "time limit", Measure.Days), ("时间", "time", Measure.Days), ("周期", "cycle", Measure.Term),
        ("次数", "count", Measure.Times), ("电话", "phone line", Measure.Phone),
    ];

    public static readonly Attribute[] Zh = Parse(2);
    public static readonly Attribute[] En = Parse(3);
    public static readonly Attribute[] ZhPlain = Compose(Zh, ZhPlainStems, (stem, ending) => stem + ending.Zh);
    public static readonly Attribute[] EnPlain = Compose(En, EnPlainStems, (stem, ending) => stem + ' ' + ending.En);

    public static readonly Attribute[] ZhOdd = [.. ZhOddWords.Split(',').Select(w => new Attribute(w, Measure.Words, [w]))];
    public static readonly Attribute[] EnOdd = [.. EnOddWords.Split(',').Select(w => new Attribute(w, Measure.Words, [w]))];

    private static Attribute[] Parse(int column) =>
        [.. Table.Split('\n').Select(row => row.Trim().Split('|'))
            .Select(row => new Attribute(row[0], Enum.Parse<Measure>(row[1]), row[column].Split(',')))];

    private static Attribute[] Compose(Attribute[] known, string stems, Func<string, (string Zh, string En, Measure Measure), string> name) =>
        [.. from stem in stems.Split(',') from ending in PlainEndings
            let text = name(stem, ending)
            where !known.Any(a => a.Wordings.Contains(text))
            select new Attribute(text, ending.Measure, [text])];
}
